"""Frames of videos, decoded one after the other on request."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import final

import av
from av.container import InputContainer
from av.error import FFmpegError
from PIL import Image

from padimkit.errors import BadImage

_MOST_OPEN = 3  # the current video, the next one near its end, and one for a second loop
_MOST_KEPT = 32  # frames for each open video; of 856 x 480 pixels, one takes 0.6 MB
_ADVICE = "Replace it, or extract its frames by other means."


def frame_count(video: Path) -> int:
    """Return the number of frames of a video, from its header or else by counting its packets.

    Raises:
        BadImage: The video cannot be opened, or has no frames.
    """
    with _opened(video) as container, _explained(f'The video "{video}" cannot be read'):
        count = _announced(container)
    if count == 0:
        raise BadImage(f'The video "{video}" has no frames. {_ADVICE}')
    return count


@final
class Videos:
    """Some frames of some videos, each under a path of its own, such as `01_001.avi/00012`.

    Several threads and several loops may ask for frames at a time. Frames are cheap in nearly their order: a
    video is decoded forward, once for each loop. Any other order works but is slow.

    Args:
        counts: The number of frames of each video.
        wanted: The numbers of the frames of each video that can be asked for, in ascending order.
    """

    def __init__(self, counts: dict[Path, int], *, wanted: dict[Path, Sequence[int]]) -> None:
        self._counts = counts
        self._wanted = wanted
        self._lock = Lock()
        self._passes: list[_Pass] = []  # the latest used one comes last

    def paths(self) -> list[Path]:
        """Return the paths of all frames, in order."""
        return [video / f"{number:05}" for video, numbers in self._wanted.items() for number in numbers]

    def open(self, path: Path) -> Image.Image:
        """Return the frame as 8-bit RGB.

        Raises:
            BadImage: The video cannot be decoded, or ends early.
        """
        with self._lock:
            frame = self._frame(path.parent, int(path.name))
        # Outside the lock, since it is slow; threads of its own would take longer to start for each frame.
        return Image.fromarray(frame.to_ndarray(format="rgb24", threads=1))

    def _frame(self, video: Path, number: int) -> av.VideoFrame:
        current = self._pass(video, number)
        frame = current.frame(number)
        if current.finished:
            self._passes.remove(current)
        return frame

    def _pass(self, video: Path, number: int) -> "_Pass":
        able = [each for each in self._passes if each.video == video and each.reaches(number)]
        if able:
            current = max(able, key=lambda each: each.position)  # it has the fewest frames to decode
            self._passes.remove(current)
        else:
            if len(self._passes) == _MOST_OPEN:
                self._passes.pop(0).close()
            current = _Pass(video, self._counts[video], wanted=self._wanted[video])
        self._passes.append(current)
        return current


@final
class _Pass:
    """One pass through a video from start to end, which keeps skipped frames for other threads."""

    def __init__(self, video: Path, count: int, *, wanted: Sequence[int]) -> None:
        self.video = video
        self.position = 0  # the number of the frame that is decoded next
        self._count = count
        self._wanted = frozenset(wanted)
        self._last = wanted[-1]
        self._kept: dict[int, av.VideoFrame] = {}
        self._failure = ""
        self._container = _opened(video)
        self._frames = self._container.decode(video=0)

    def reaches(self, number: int) -> bool:
        return number in self._kept or self.position <= number

    @property
    def finished(self) -> bool:
        return self.position == self._count and not self._kept

    def frame(self, number: int) -> av.VideoFrame:
        # The last wanted frame also decodes all that follow, so that an early end is always found.
        end = self._count if number == self._last else number + 1
        while self.position < end:
            self._step()
        if self.position == self._count:
            self.close()
        return self._kept.pop(number)

    def close(self) -> None:
        self._container.close()

    def _step(self) -> None:
        if self._failure:  # another thread may ask for a frame after the one that failed
            raise BadImage(self._failure)
        try:
            frame = self._decode()
        except BadImage as error:
            self._failure = str(error)
            self.close()
            raise
        if self.position in self._wanted:
            self._kept[self.position] = frame
        if len(self._kept) > _MOST_KEPT:
            del self._kept[min(self._kept)]
        self.position += 1

    def _decode(self) -> av.VideoFrame:
        where = f"after {self.position} of {self._count} frames"
        with _explained(f'The video "{self.video}" cannot be decoded {where}'):
            frame = next(self._frames, None)
        if frame is None:
            raise BadImage(f'The video "{self.video}" ends {where}. {_ADVICE}')
        return frame


def _announced(container: InputContainer) -> int:
    if not container.streams.video:
        return 0
    stream = container.streams.video[0]
    return stream.frames or sum(packet.size > 0 for packet in container.demux(stream))


def _opened(video: Path) -> InputContainer:
    with _explained(f'The video "{video}" cannot be opened'):
        # A relative path could begin with a protocol, such as "http:". A title may be in any encoding.
        return av.open(str(video.absolute()), metadata_errors="replace")


@contextmanager
def _explained(problem: str) -> Iterator[None]:
    try:
        yield
    except FFmpegError as error:
        raise BadImage(f"{problem}: {error.strerror}. {_ADVICE}") from error
