"""The limits of requests, by which strangers cannot take all memory or time of a server.

Apart from the service, since the page, the description and the command line know them too.
"""

from dataclasses import dataclass, fields

from padimkit.arguments import require_between, require_whole
from padimkit.errors import BadArgument
from padimkit.images.decoders import MOST_EVER

_MOST = {"megabytes": 10**5, "megapixels": MOST_EVER // 10**6, "seconds": 10**6, "waiting": 10**5}


@dataclass(frozen=True)
class Limits:
    """The limits of requests.

    Args:
        megabytes: Of the body of a request.
        megapixels: Of an image, by its header; it may be far larger than its file.
        seconds: For the head of a request to arrive, again for its body, its answer, and until that is read.
        waiting: Requests that are being received or answered at a time; further ones are refused.

    Raises:
        BadArgument: One is not above 0, or larger than could be meant.
    """

    megabytes: float = 32.0
    megapixels: float = 64.0
    seconds: float = 30.0
    waiting: int = 64

    def __post_init__(self) -> None:
        for one in fields(self):
            if not getattr(self, one.name) > 0:
                raise BadArgument(f'Expected "{one.name}" above 0, got {getattr(self, one.name)}.')
            require_between(one.name, getattr(self, one.name), 0, _MOST[one.name])
        require_whole("waiting", self.waiting, 1, _MOST["waiting"])

    @property
    def most_bytes(self) -> int:
        """The most bytes of a body."""
        return int(1e6 * self.megabytes)
