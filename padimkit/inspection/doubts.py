"""Doubts about training images, which people should know of before they trust a model.

Apart from the command that prints them, since they follow from what a model has learnt.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from padimkit.inspection.learnt import LearntImage

FEW = 20


def doubts(learnt: Sequence[LearntImage], sizes: Sequence[tuple[int, int, int]]) -> Iterator[str]:
    """Yield a sentence for each doubt: few images, copies of one image, mixed sizes.

    Args:
        learnt: The images that were learnt.
        sizes: Height, width and number of images of each size.
    """
    if len(learnt) < FEW:
        yield (
            f"Only {len(learnt)} images were learnt; with fewer than {FEW}, scores and thresholds depend on "
            "chance. Take more."
        )
    yield from _copies(learnt)
    if len(sizes) > 1:
        shown = ", ".join(f"{height} x {width}" for height, width, _ in sizes[:3])
        more = ", ..." if len(sizes) > 3 else ""
        yield f"Images of {len(sizes)} sizes are mixed ({shown}{more}); do all of them show the same, alike?"


def _copies(learnt: Sequence[LearntImage]) -> Iterator[str]:
    by_content = defaultdict(list)
    for image in learnt:
        by_content[image.sha256].append(image.path)
    copied = [paths for paths in by_content.values() if len(paths) > 1]
    if copied:
        count = sum(len(paths) - 1 for paths in copied)
        yield (
            f'{count} of the {len(learnt)} images are copies of others, such as "{copied[0][1]}" of '
            f'"{copied[0][0]}"; a copy makes thresholds too low. Remove copies.'
        )
