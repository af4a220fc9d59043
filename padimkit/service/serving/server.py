"""The server on its socket, which is taken before any model is loaded, and left once all is answered.

Apart from the command, since benchmarks and tests serve too.
"""

import asyncio
import os
import socket
from contextlib import suppress
from functools import partial
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from padimkit.errors import BadArgument
from padimkit.service.serving.connections import Bounds, Connection, most_connections
from padimkit.service.serving.limits import Limits


def bound(host: str, port: int) -> socket.socket:
    """Return a socket with this address, on which nothing arrives before `new_server` has it.

    Raises:
        BadArgument: The port is in use or not allowed, or the host is not one of this machine.
    """
    if not 0 <= port <= 65535:
        raise BadArgument(f'Expected "port" from 0 to 65535, got {port}.')
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        found = socket.socket(family, kind)
    except OSError as error:
        raise BadArgument(f'"{host}" is not an address of this machine: {error.strerror or error}.') from None
    try:
        if os.name == "posix":  # on Windows it would take the port from another program
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
    except OSError as error:
        found.close()
        raise BadArgument(
            f'Port {port} of "{host}" cannot be taken: {error.strerror or error}. Pass another --port, or 0 '
            "for a free one."
        ) from None
    return found


def address(taken: socket.socket) -> str:
    """Return the URL of a server on this socket."""
    host, port = taken.getsockname()[:2]
    return f"http://[{host}]:{port}" if taken.family == socket.AF_INET6 else f"http://{host}:{port}"


def new_server(app: ASGIApp, limits: Limits) -> uvicorn.Server:
    """Return a server, which runs until `should_exit` is set; it then answers what it has accepted.

    Args:
        app: The application.
        limits: Those of requests, which bound the connections too.
    """
    most = most_connections(limits.waiting)
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=cast(type[asyncio.Protocol], partial(Connection, Bounds(most, limits.seconds))),
            backlog=max(1, most // 4),  # which are accepted, and have a handle, before the first is closed
            lifespan="on",
            ws="none",
            log_config=None,  # warnings and errors go to standard error, as those of all other libraries
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            # Only a client that does not read its answer takes longer than its request may.
            timeout_graceful_shutdown=int(2 * limits.seconds) + 5,
        )
    )


def serve(server: uvicorn.Server, taken: socket.socket) -> None:
    """Run the server on a socket until a signal, SIGTERM or that of Ctrl-C, ends it."""
    with suppress(KeyboardInterrupt), taken:  # which is raised once all is answered
        server.run(sockets=[taken])
