"""The limits of requests, by which strangers cannot take all memory or time of a server.

Apart from the service, since the page, the description and the command line know them too.
"""

from dataclasses import dataclass, fields

from padimkit.errors import BadArgument


@dataclass(frozen=True)
class Limits:
    """The limits of requests.

    Args:
        megabytes: Of the body of a request.
        megapixels: Of an image, by its header; it may be far larger than its file.
        seconds: For a request to arrive, and again for its answer.
        waiting: Requests that are being received or answered at a time; further ones are refused.

    Raises:
        BadArgument: One is not above 0.
    """

    megabytes: float = 32.0
    megapixels: float = 64.0
    seconds: float = 30.0
    waiting: int = 64

    def __post_init__(self) -> None:
        for one in fields(self):
            if not getattr(self, one.name) > 0:
                raise BadArgument(f'Expected "{one.name}" above 0, got {getattr(self, one.name)}.')

    @property
    def most_bytes(self) -> int:
        """The most bytes of a body."""
        return int(1e6 * self.megabytes)
