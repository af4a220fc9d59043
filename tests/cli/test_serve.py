"""`padimkit serve`: a server that starts, says where it is, and ends well."""

import json
import os
import re
import shutil
import signal
import socket
import sys
import threading
from pathlib import Path

import httpx
import pytest

from benchmarks.serve import counted
from padimkit import Inspector
from padimkit.cli import serve
from padimkit.cli.main import main
from padimkit.service.serving.server import bound


class Reader:
    """In place of standard output: calls with the URL, in a thread, once it is printed."""

    def __init__(self, call):
        self.call, self.text, self.threads = call, "", []

    def write(self, text):
        self.text += text
        if " on http" in text:
            url = text.split(" on ")[1].split()[0]
            self.threads.append(threading.Thread(target=self.call, args=(url,)))
            self.threads[0].start()

    def flush(self):
        pass


@pytest.fixture
def served(monkeypatch):
    """Runs the command until SIGTERM, which comes once `call` has returned; returns what was printed."""

    def served(call, *words):
        def called(url):
            try:
                call(url)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)

        reader = Reader(called)
        before = signal.getsignal(signal.SIGTERM)
        monkeypatch.setattr(sys, "stdout", reader)
        try:
            assert main(["serve", *map(str, words)]) == 0
        finally:
            monkeypatch.undo()
            signal.signal(signal.SIGTERM, before)
        reader.threads[0].join()
        return reader.text

    return served


def test_it_serves_until_sigterm_and_its_scores_are_those_of_the_model(served, model, stripes):
    path = stripes / "stripes" / "test" / "spot" / "000.png"
    answers = []

    def call(url):
        for name in ("bolts", model.name):
            answers.append(httpx.post(f"{url}/predict?model={name}", content=path.read_bytes()).json())
        answers.append(httpx.get(f"{url}/health", headers={"host": "elsewhere"}).status_code)

    said = served(call, f"bolts={model}", model, "--port=0")
    first, second, status = answers
    line = json.loads(json.dumps(Inspector(model)(path).as_dict()))
    assert first["score"] == second["score"] == line["score"] and first["regions"] == line["regions"]
    assert status == 421
    assert said.startswith(f"Serving bolts, {model.name} on http://127.0.0.1:")
    assert said.endswith("Stopped after 2 images\n")
    assert counted(said + said) == 4  # of two servers, as the benchmark of a killed one adds them


def test_limits_and_other_names_are_options(served, model):
    found = []

    def call(url):
        found.append(httpx.get(f"{url}/models", headers={"host": "Vision.local"}).json())
        found.append(httpx.post(f"{url}/predict", content=bytes(2000)).json())

    served(call, model, "--port=0", "--aliases", "vision.local", "--megabytes=0.001")
    assert found[0][0]["megabytes"] == 0.001 and "0.001 MB" in found[1]["error"]


def test_a_port_in_use_is_said_before_models_are_loaded(refuse, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        message = refuse("serve", tmp_path / "no-model", f"--port={port}")
    assert f'Port {port} of "127.0.0.1" cannot be taken: Address already in use. Pass another' in message


def test_a_model_without_a_calibration_is_refused_as_by_inspect(refuse, learn, good):
    model = learn(good, "plain", "--calibrate=false")
    message = refuse("serve", model, "--port=0")
    assert "has no calibration, so no verdict follows" in message and "padimkit calibrate" in message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a/bolts", "b/bolts"], 'Two models are called "bolts"'),
        (["no-model", "--port=0"], '"no-model" is not a model folder'),
        (["bolts", "--port=70000"], 'Expected "port" from 0 to 65535, got 70000.'),
        (["bolts", "--host=nowhere.invalid"], '"nowhere.invalid" is not an address of this machine'),
        (["bolts", "--host=192.0.2.1"], 'of "192.0.2.1" cannot be taken'),
        (["bolts", "--waiting=0"], 'Expected "waiting" above 0, got 0.'),
        (["bolts", "--workers=0"], 'Expected "workers" of at least 1'),
        (["bolts", "--batch_size=0"], 'Expected "batch_size" of at least 1'),
        (["bolts", "--prot=1"], "--prot"),
    ],
)
def test_each_mistake_has_one_message(refuse, words, message, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert message in refuse("serve", *words)


def test_without_its_extra_it_says_which(refuse, model, monkeypatch):
    monkeypatch.setattr(serve, "is_installed", lambda name: name != "uvicorn")
    message = refuse("serve", model)
    assert 'needs uvicorn, which the extra "serve" brings: pip install "padimkit[serve]"' in message


def test_what_is_needed_is_what_the_extra_brings():
    project = Path(__file__).parents[2] / "pyproject.toml"
    (line,) = [line for line in project.read_text().splitlines() if line.startswith("serve = [")]
    assert re.findall(r'"([\w-]+)>=', line) == list(serve._NEEDED)


HOSTS = {
    "0.0.0.0": None,
    "127.0.0.2": ("127.0.0.2", "a.b"),
    "127.1": ("127.1", "a.b"),
    "LOCALHOST": ("localhost", "a.b"),
}


@pytest.mark.parametrize(("host", "names"), HOSTS.items())
def test_what_listens_on_this_machine_alone_may_be_called_by_its_names_only(model, host, names):
    """However the host is written: the address that is listened on tells."""
    parsed = serve._parser().parse_args([str(model), f"--host={host}", "--aliases", "A.b"])
    with bound(host, 0) as taken:
        assert serve._hosts(parsed, taken) == (names and ("localhost", "127.0.0.1", "::1", *names))


def test_an_address_of_version_six_is_written_in_brackets(served, model):
    if not socket.has_ipv6 or not _has_loopback_six():
        pytest.skip("this machine has no IPv6")
    said = served(lambda url: httpx.get(f"{url}/health").raise_for_status(), model, "--port=0", "--host=::1")
    assert "on http://[::1]:" in said


def _has_loopback_six():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def test_a_damaged_model_is_refused(refuse, model, tmp_path):
    shutil.copytree(model, tmp_path / "damaged")
    (tmp_path / "damaged" / "state.safetensors").write_bytes(b"")
    assert "has been altered or cut off" in refuse("serve", tmp_path / "damaged", "--port=0")
