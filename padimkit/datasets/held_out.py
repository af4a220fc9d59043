"""One of two parts of the test images of another data set: one for searches, and one for the report."""

import random
from collections import defaultdict
from collections.abc import Sequence
from math import ceil
from typing import Literal

from padimkit.arguments import require_between, require_whole
from padimkit.contracts import DataSource
from padimkit.errors import BadArgument, BadData
from padimkit.images.sample import Sample


class HeldOut(DataSource):
    """Another data set with only a part of its test images; training images are the same in both parts.

    Each kind of image, told by its label and its folder, is divided alike, so that both parts have defects of
    all kinds. What is held out for a search is the first part, and the report is about the other.

    Args:
        data: The whole data set.
        part: Either "search" or "report"; no test image is in both.
        share: The share of test images that are held out for the search.
        split_seed: Draws them; the seed of a cell does not, or a search would see what is reported.
    """

    def __init__(
        self,
        data: DataSource,
        part: Literal["search", "report"],
        share: float = 0.5,
        split_seed: int = 0,
    ) -> None:
        if part not in ("search", "report"):
            raise BadArgument(f'Expected "part" to be search or report, got {part!r}.')
        require_between("share", share, 0, 1)
        require_whole("split_seed", split_seed, 0, 2**32 - 1)
        self.data = data
        self.part = part
        self.share = share
        self.split_seed = split_seed

    def train(self) -> Sequence[Sample]:
        """List all training images of the data set."""
        return self.data.train()

    def test(self) -> Sequence[Sample]:
        """List the test images of the part, in the order of the data set.

        Raises:
            BadData: There are none.
        """
        samples = self.data.test()
        searched = self._searched(samples)
        found = [one for number, one in enumerate(samples) if (number in searched) == (self.part == "search")]
        if not found:
            raise BadData(f'No test image is in the part "{self.part}" of {self.data}. Change "share".')
        return found

    def _searched(self, samples: Sequence[Sample]) -> set[int]:
        """Return the numbers of the images that are held out for the search."""
        kinds: dict[tuple[bool | None, str], list[int]] = defaultdict(list)
        for number, sample in enumerate(samples):
            kinds[sample.anomalous, sample.path.parent.name].append(number)
        generator, found = random.Random(self.split_seed), set[int]()
        for _, numbers in sorted(kinds.items(), key=lambda item: str(item[0])):
            count = min(ceil(round(self.share * len(numbers), 9)), len(numbers))  # 0.55 of 20 are 11
            found.update(generator.sample(numbers, count))
        return found
