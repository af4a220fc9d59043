"""The connections of a server: how many there are, and how long each may take to ask and to be answered.

Apart from the server, since uvicorn bounds neither connections that have not asked yet, nor their time.
"""

import asyncio
import logging
from typing import Any, final

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

_SPARE = 256  # connections of browsers and monitors, which may stay open between requests
_SHARE = 3  # of the handles, since models, forms and connections that are about to be closed have some too
_log = logging.getLogger(__name__)


def most_connections(waiting: int) -> int:
    """Return the most connections of a server with this many requests at a time, far below its handles."""
    return max(4, min(_SPARE + waiting, _handles() // _SHARE))


def _handles() -> int:
    try:
        import resource  # Windows does not have it, nor such a limit of sockets
    except ImportError:
        return 2**20
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 2**20 if most == resource.RLIM_INFINITY else most


@final
class Bounds:
    """What the connections of a server share: their bounds, and which of them wait for the rest of a request.

    Args:
        most: Connections; one more closes the one that waits the longest.
        seconds: For a head to arrive; and three times that for a body, its answer, and until that is read.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self.most = most
        self.seconds = seconds
        self.waiting: dict[Connection, None] = {}  # the longest first
        self._full = False

    def make_room(self, count: int) -> None:
        """Close a connection if there are too many; one line of the log says so until they are few again."""
        if count <= self.most:
            return
        if not self._full:
            _log.warning(
                "There are more than %d connections: those whose requests are not there yet are closed.",
                self.most,
            )
        self._full = True
        longest = next(iter(self.waiting))  # the new one, if the requests of all others are whole
        del self.waiting[longest]
        longest.transport.abort()

    def left(self, count: int) -> None:
        """Learn how many connections there are after one has ended."""
        self._full = self._full and count > self.most // 2


@final
class Connection(H11Protocol):
    """A connection that is closed when a request, or the client that reads its answer, takes too long."""

    def __init__(self, bounds: Bounds, **options: Any) -> None:
        super().__init__(**options)
        self._bounds = bounds
        self._answering: RequestResponseCycle | None = None
        self._limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._begin(None)
        self._bounds.make_room(len(self.connections))

    def data_received(self, data: bytes) -> None:
        """Read, and see whether a head is whole."""
        super().data_received(data)
        self._follow()

    def on_response_complete(self) -> None:
        """Wait for the next request, or answer one that was sent ahead."""
        super().on_response_complete()
        self._follow()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        super().connection_lost(exc)
        self._bounds.waiting.pop(self, None)
        if self._limit is not None:
            self._limit.cancel()
        self._bounds.left(len(self.connections))

    def _follow(self) -> None:
        cycle = self.cycle
        answering = None if cycle is None or cycle.response_complete else cycle
        if answering is not self._answering and not self.transport.is_closing():
            self._begin(answering)
        if answering is not None and not answering.more_body:
            self._bounds.waiting.pop(self, None)

    def _begin(self, answering: RequestResponseCycle | None) -> None:
        """Begin to answer a request, or to wait for one; what arrives in between prolongs nothing."""
        self._answering = answering
        if self._limit is not None:
            self._limit.cancel()
        seconds = self._bounds.seconds * (1 if answering is None else 3)
        self._limit = self.loop.call_later(seconds, self.transport.abort)
        self._bounds.waiting.pop(self, None)
        self._bounds.waiting[self] = None  # at the end
