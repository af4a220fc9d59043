"""A small ShanghaiTech: the same folders and formats, and frames that show their own number."""

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from PIL import Image

WIDTH, HEIGHT = 64, 48
TRAIN = ("01_001", "01_002", "02_001", "13_001")
TEST = ("01_0014", "01_0015", "02_0128")


@dataclass(frozen=True)
class Campus:
    """Where it is, and by video the number that each frame shows, its labels and its masks."""

    root: Path
    numbers: dict[str, list[int]]
    labels: dict[str, np.ndarray]
    masks: dict[str, np.ndarray]


def write_campus(root: Path, random: np.random.Generator) -> Campus:
    names = (*TRAIN, *TEST)
    firsts = 64 * random.permutation(64)[: len(names)]
    numbers = {
        name: list(range(first, first + random.integers(14, 40)))
        for name, first in zip(names, firsts.tolist(), strict=True)
    }
    campus = Campus(root, numbers, {}, {})
    for index, name in enumerate(TRAIN):
        write_video(root / "training" / "videos" / f"{name}.avi", numbers[name], b_frames=2 * (index % 2))
    for name in TEST:
        write_frames(root / "testing" / "frames" / name, numbers[name])
        campus.labels[name], campus.masks[name] = _anomaly(len(numbers[name]), random)
        save(root / "testing" / "test_frame_mask" / f"{name}.npy", campus.labels[name])
        save(root / "testing" / "test_pixel_mask" / f"{name}.npy", campus.masks[name])
    return campus


def _anomaly(count: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    labels, masks = np.zeros(count, np.uint8), np.zeros((count, HEIGHT, WIDTH), np.uint8)
    start, end = random.integers(1, count // 2), random.integers(count // 2 + 1, count)
    labels[start:end] = 1
    for mask in masks[start:end]:
        top, left = random.integers(0, (HEIGHT - 12, WIDTH - 16))
        mask[top : top + 12, left : left + 16] = 1
    return labels, masks


def save(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array, allow_pickle=False)


def picture(number: int) -> np.ndarray:
    """A number from 0 to 4095 as twelve dark or bright blocks, which survive lossy coding."""
    bits = (number >> np.arange(12)) & 1
    blocks = np.where(bits, 215, 40).astype(np.uint8).reshape(3, 4)
    return np.kron(blocks, np.ones((HEIGHT // 3, WIDTH // 4), np.uint8))[..., None].repeat(3, axis=2)


def number_in(pixels: np.ndarray) -> int:
    """The number that is shown by "H W" pixels, of any size, in [0, 1]."""
    rows, columns = (
        (2 * np.arange(n) + 1) * size // (2 * n) for n, size in ((3, pixels.shape[0]), (4, pixels.shape[1]))
    )
    bits = (pixels[np.ix_(rows, columns)] > 0.5).ravel()
    return int((bits << np.arange(12)).sum())


def write_frames(folder: Path, numbers: list[int]) -> None:
    folder.mkdir(parents=True)
    for index, number in enumerate(numbers):
        Image.fromarray(picture(number)).save(folder / f"{index:03}.jpg", quality=95)


def write_video(
    path: Path, numbers: list[int], *, container: str = "avi", codec: str = "mpeg4", b_frames: int = 0
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=24)
        stream.width, stream.height, stream.bit_rate = WIDTH, HEIGHT, 2_000_000
        stream.pix_fmt = "rgb24" if codec == "png" else "yuv420p"
        if codec == "mpeg4":
            stream.codec_context.gop_size, stream.codec_context.max_b_frames = 12, b_frames
        for number in numbers:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), format="rgb24")))
        output.mux(stream.encode(None))
