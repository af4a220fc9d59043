"""MVTec AD 2, whose test images are partly published without their labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias, final, get_args

from padimkit.arguments import require_choice
from padimkit.contracts import DataSource
from padimkit.datasets._beside import category_in
from padimkit.datasets._masks import find_masks, masked
from padimkit.errors import BadData
from padimkit.images.listing import list_images
from padimkit.images.sample import Sample

Subset: TypeAlias = Literal["public", "private", "private_mixed"]


@final
class MVTecAD2(DataSource):
    """One category of MVTec AD 2 (Heckler-Kram et al. 2025), sorted by name.

    It reads `can/train/good`, and of the public test images `can/test_public/good`, `can/test_public/bad` and
    `can/test_public/ground_truth/bad/000_regular_mask.png`. The labels of the private test images are not
    published: they can be scored, and the authors' server knows the metric values. The images of
    `validation/good` are left out.

    Args:
        root: The folder that holds the categories.
        category: The name of one category, for example can.
        subset: The test images: "public", "private", or "private_mixed" under other light.
    """

    def __init__(self, root: Path, category: str, subset: Subset = "public") -> None:
        require_choice("subset", subset, get_args(Subset))
        self.root = Path(root).expanduser()  # without a type checker, people pass strings
        self.category = category
        self.subset = subset

    def train(self) -> Sequence[Sample]:
        """List the images of `train/good`.

        Raises:
            BadData: The category is missing, or its folder `train/good` holds no images.
        """
        folder = category_in(self.root, self.category, holds="train") / "train" / "good"
        return [Sample(path, anomalous=False) for path in list_images(folder)]

    def test(self) -> Sequence[Sample]:
        """List the test images of the subset, the public ones with their labels and masks.

        Raises:
            BadData: The category or a mask is missing, or there are no images.
        """
        folder = category_in(self.root, self.category, holds="train") / f"test_{self.subset}"
        if self.subset != "public":
            return [Sample(path) for path in list_images(folder)]
        normal = [Sample(path, anomalous=False) for path in list_images(folder / "good")]
        bad = list_images(folder / "bad")
        within = [path.relative_to(folder / "bad") for path in bad]
        truth = folder / "ground_truth" / "bad"
        (found,) = find_masks(within, truth, ("{stem}_mask.*",))
        for image in within:
            if image not in found:
                raise BadData(f'"{image}" has no mask in "{truth}". Expected "{image.stem}_mask.png" there.')
        pairs = zip(bad, within, strict=True)
        return [*(masked(path, found[image]) for path, image in pairs), *normal]
