"""DAGM 2007, drawn textures with drawn defects."""

from collections.abc import Sequence
from pathlib import Path
from typing import final

from padimkit.contracts import DataSource
from padimkit.datasets._beside import category_in, normal_of, samples_in
from padimkit.images.sample import Sample

_MASK = "Label/{stem}_label.*"


@final
class DAGM(DataSource):
    """One class of DAGM 2007 (Wieler and Hahn 2007), with its published split.

    It reads `Class1/Train/0001.PNG`, and `Class1/Train/Label/0576_label.PNG` for those with a defect, and
    `Test` alike. Masks are ellipses around the defects; the anomalous images of `Train` are left out.

    Args:
        root: The folder that holds `Class1` to `Class10`.
        category: The name of one class, for example Class1.
    """

    def __init__(self, root: Path, category: str) -> None:
        self.root = Path(root).expanduser()  # without a type checker, people pass strings
        self.category = category

    def train(self) -> Sequence[Sample]:
        """List the images of `Train` that have no mask.

        Raises:
            BadData: The class or its masks are missing, or all of its images have a defect.
        """
        folder = category_in(self.root, self.category, holds="Train") / "Train"
        return normal_of(samples_in(folder, _MASK, unmasked="normal"), folder)

    def test(self) -> Sequence[Sample]:
        """List the images of `Test`.

        Raises:
            BadData: The class or its masks are missing, or its folder `Test` holds no images.
        """
        folder = category_in(self.root, self.category, holds="Test") / "Test"
        return samples_in(folder, _MASK, unmasked="normal")
