"""MVTec LOCO AD, whose defects are told apart and found by parts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, final

from padimkit.contracts import DataSource
from padimkit.datasets.mvtec import MVTec
from padimkit.errors import BadArgument, BadData
from padimkit.files.json_text import parsed_json
from padimkit.files.regular import regular
from padimkit.images.sample import DefectMask, Enough, Sample

_DEFECTS = "defects_config.json"


@final
class MVTecLOCO(DataSource):
    """One category of MVTec LOCO AD (Bergmann et al. 2022), sorted by name.

    It is in the layout of MVTec AD, with a folder of masks for each image: a mask is one defect, and its
    value names an entry of `defects_config.json`, which says how many of its pixels are enough to find it.
    The images of `validation/good` are left out.

    Args:
        root: The folder that holds the categories.
        category: The name of one category, for example breakfast_box.
        anomalies: Which anomalous images are tested: "both", "logical" or "structural".
    """

    def __init__(self, root: Path, category: str, anomalies: str = "both") -> None:
        if anomalies not in ("both", "logical", "structural"):
            raise BadArgument(f'Expected "anomalies" to be both, logical or structural, got "{anomalies}".')
        self.root = Path(root).expanduser()  # without a type checker, people pass strings
        self.category = category
        self.anomalies = anomalies

    def train(self) -> Sequence[Sample]:
        """List the images of `train/good`.

        Raises:
            BadData: The category is missing, or its folder `train/good` holds no images.
        """
        return MVTec(self.root, self.category).train()

    def test(self) -> Sequence[Sample]:
        """List the images of `test`, each anomalous one with its defects.

        Raises:
            BadData: The category, its `defects_config.json` or a mask is missing, or `test` holds no images.
        """
        samples = MVTec(self.root, self.category).test()
        enough = _enough(self.root / self.category / _DEFECTS)
        return [
            replace(sample, defects=tuple(DefectMask(mask, enough) for mask in sample.masks))
            for sample in samples
            if self._is_tested(sample)
        ]

    def _is_tested(self, sample: Sample) -> bool:
        wanted = None if self.anomalies == "both" else f"{self.anomalies}_anomalies"
        return not sample.anomalous or wanted in (None, sample.path.parent.name)


def _enough(path: Path) -> Mapping[int, Enough]:
    """Return how much of a defect is enough, by the value that marks it."""
    try:
        entries = parsed_json(regular(path).read_text(encoding="utf-8"))
        return dict(map(_entry, entries))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadData(
            f'"{path}" does not say how defects are marked ({error}). It comes with MVTec LOCO AD; expected '
            'a list of entries with "pixel_value", "saturation_threshold" and "relative_saturation".'
        ) from error


def _entry(entry: Mapping[str, Any]) -> tuple[int, Enough]:
    return int(entry["pixel_value"]), Enough(
        float(entry["saturation_threshold"]), bool(entry["relative_saturation"])
    )
