"""The PaDiM paper's arithmetic of bytes, inferred from Table VIII.

It stands alone because it is about the paper only: no record enters it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from padimkit.report.formats.markdown import escaped
from padimkit.report.paper.published import published

FLOAT32 = 4
RESNET18 = 11_689_512 * FLOAT32  # all parameters, the classifier included
WIDE_RESNET50_2 = 68_883_240 * FLOAT32


@dataclass(frozen=True)
class PaperBytes:
    """The parts of a cell of Table VIII.

    Args:
        method: Name of the method, as in `published`.
        data: Name of the data set, as in `published`.
        learnt: Bytes of Gaussians or of features.
        backbone: Bytes of the whole network.
        with_backbone: True if the printed number includes the backbone; the cells differ in this.
    """

    method: str
    data: str
    learnt: int
    backbone: int
    with_backbone: bool

    @property
    def counted(self) -> int:
        """Bytes that, rounded, give the printed number."""
        return self.learnt + self.backbone * self.with_backbone


def gaussian_bytes(side: int, channels: int) -> int:
    """Return the bytes of a mean and a whole covariance for each of `side` x `side` positions."""
    return side**2 * (channels**2 + channels) * FLOAT32


def gallery_bytes(images: int, maps: Sequence[tuple[int, int]], descriptor: int) -> int:
    """Return the bytes of all features of all training images: maps (channels, side) and the descriptor."""
    return images * (sum(channels * side**2 for channels, side in maps) + descriptor) * FLOAT32


def table8() -> tuple[PaperBytes, ...]:
    """Return the arithmetic of each cell of Table VIII except the VAE's, of which too little is known.

    A crop of 224 gives 56 x 56 positions on MVTec AD, 256 pixels give 64 x 64 on STC. SPADE's numbers fit 242
    images of MVTec AD, the mean of its categories, and 5,000 of STC.
    """
    return (
        PaperBytes("SPADE-WR50", "MVTec AD", _spade(242, 56), WIDE_RESNET50_2, False),
        PaperBytes("SPADE-WR50", "STC", _spade(5000, 64), WIDE_RESNET50_2, True),
        PaperBytes("PaDiM-R18-Rd100", "MVTec AD", gaussian_bytes(56, 100), RESNET18, True),
        PaperBytes("PaDiM-R18-Rd100", "STC", gaussian_bytes(64, 100), RESNET18, True),
        PaperBytes("PaDiM-WR50-Rd550", "MVTec AD", gaussian_bytes(56, 550), WIDE_RESNET50_2, False),
        PaperBytes("PaDiM-WR50-Rd550", "STC", gaussian_bytes(64, 550), WIDE_RESNET50_2, True),
    )


def _spade(images: int, side: int) -> int:
    maps = ((256, side), (512, side // 2), (1024, side // 4))
    return gallery_bytes(images, maps, descriptor=2048)


TABLES = (7, 8)  # of time and of memory: the models are the same


def arithmetic() -> Iterator[str]:
    """Yield, as Markdown, learnt bytes without and with the whole network beside the printed ones."""
    printed = {(cell.method, cell.data): cell.value for cell in published(8)}
    yield "\nThe paper's own arithmetic of bytes (Table VIII), in GB of 1e9 bytes, float32:\n"
    yield "| method | data | Gaussians or features | with the whole backbone | printed | which counts |"
    yield "|---|---|---:|---:|---:|---|"
    for found in table8():
        yield f"| {' | '.join(_cells(found, printed.pop((found.method, found.data))))} |"
    for method, data in printed:
        where = f"{escaped(method)} on {escaped(data)}"
        yield f"\nToo little is known of {where} to compute its {printed[method, data]:g} GB."


def _cells(found: PaperBytes, printed: float) -> Iterator[str]:
    yield from (escaped(found.method), escaped(found.data))
    yield from (f"{size / 1e9:.3f}" for size in (found.learnt, found.learnt + found.backbone))
    yield f"{printed:g}"
    yield "with the backbone" if found.with_backbone else "without"
