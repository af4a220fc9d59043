"""Connections that ask for nothing, or for ever: they are closed, and others are answered."""

import socket
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import pytest
from served import running

from padimkit.service.serving import connections, server
from padimkit.service.serving.limits import Limits
from padimkit.service.serving.service import Service

HALF = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX"
SLOW = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nx"
WHOLE = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def service(inspector):
    return Service({"bolts": inspector}, Limits(seconds=20, waiting=2))


def opened(url, content=b""):
    one = socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=20)
    one.sendall(content)
    return one


def test_those_that_do_not_ask_make_room_for_those_that_do(service, good, monkeypatch, caplog):
    monkeypatch.setattr(server, "most_connections", lambda _: 4)
    with running(service) as url, ExitStack() as stack:  # all are closed before it ends, or it would wait
        silent = [stack.enter_context(opened(url, content)) for content in (b"", SLOW, HALF) * 4]
        assert httpx.get(f"{url}/health").status_code == 200
        assert httpx.post(f"{url}/predict", content=good[0]).status_code == 200
        assert [one.recv(1) for one in silent[:8]] == [b""] * 8
        silent[-1].sendall(b": 1\r\n\r\n")  # not closed: the rest of its head gets an answer
        assert silent[-1].recv(12) == b"HTTP/1.1 200"
    assert [record.getMessage() for record in caplog.records] == [
        "There are more than 4 connections: those whose requests are not there yet are closed."
    ]


def closed(one, more):
    """Returns whether the server has closed a connection; sends more if it waits."""
    try:
        return not one.recv(2**20)
    except TimeoutError:
        one.sendall(more)
    except ConnectionError:
        return True
    return False


@pytest.mark.parametrize("content", [b"", HALF, WHOLE + HALF], ids=["nothing", "half", "half of the second"])
def test_a_head_has_its_time_however_it_trickles(inspector, content):
    with running(Service({"bolts": inspector}, Limits(seconds=0.05))) as url, opened(url, content) as one:
        one.settimeout(0.01)
        assert any(closed(one, b"x" if content else b"") for _ in range(2000))


def test_a_client_that_does_not_read_is_left(inspector):
    with running(Service({"bolts": inspector}, Limits(seconds=0.05))) as url, opened(url) as one:
        with pytest.raises(ConnectionError):  # not TimeoutError, as when the server waits for it
            while True:
                one.sendall(WHOLE * 100)


@pytest.mark.parametrize(("handles", "most"), [(1024, 320), (256, 85), (8, 4), (2**20, 320)])
def test_connections_are_far_below_the_handles(handles, most, monkeypatch):
    monkeypatch.setattr(connections, "_handles", lambda: handles)
    assert connections.most_connections(64) == most
