"""The guard of a server: by which names it may be called, and what browsers may do with its answers.

Apart from the service, since it is about every request and no route.
"""

from collections.abc import Callable
from typing import final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@final
class Guard:
    """An application that refuses requests by names that are not its own, and adds headers to answers.

    A page of a stranger whose name leads to the loopback could else read the answers (DNS rebinding).

    Args:
        app: The application within.
        hosts: The names; None for any.
        refused: Called with the status of a refusal.
    """

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...] | None, refused: Callable[[int], None]) -> None:
        self._app = app
        self._hosts = hosts
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                found = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    found.setdefault(name, value)
            await send(message)

        host = _host(Headers(scope=scope).get("host", ""))
        if self._hosts is not None and host not in self._hosts:
            refusal = JSONResponse(
                {"error": "This server is not called that. Use localhost, or let it start with --aliases."},
                421,
            )
            self._refused(refusal.status_code)
            await refusal(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers)


def _host(header: str) -> str | None:
    try:
        return urlsplit(f"//{header}").hostname
    except ValueError:
        return None
