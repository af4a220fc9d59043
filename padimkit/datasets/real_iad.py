"""Real-IAD, whose splits are lists in JSON."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, final, get_args

from padimkit.arguments import require_choice
from padimkit.contracts import DataSource
from padimkit.errors import BadData
from padimkit.files.json_text import parsed_json
from padimkit.files.regular import regular
from padimkit.images.sample import Sample

_NORMAL = "OK"
Side: TypeAlias = Literal["256", "512", "1024", "raw"]


@final
class RealIAD(DataSource):
    """One category of Real-IAD (Wang et al. 2024), in the order of its list: each object from five sides.

    It reads the list `realiad_jsons/realiad_jsons/audiojack.json`, or `realiad_jsons/audiojack.json`, and its
    images in `realiad_1024/audiojack`.

    Args:
        root: The folder that holds the images and the lists.
        category: The name of one category, for example audiojack.
        side: The images: of "256", "512" or "1024" pixels a side, or "raw" as taken.
        protocol: The folder of the list: "realiad_jsons", or "realiad_jsons_sv" for the view from above.
            Those with defects among the training images, "realiad_jsons_fuiad_0.1" and others, are refused:
            only normal images are learnt.
    """

    def __init__(
        self, root: Path, category: str, side: Side = "1024", protocol: str = "realiad_jsons"
    ) -> None:
        require_choice("side", side, get_args(Side))
        self.root = Path(root).expanduser()  # without a type checker, people pass strings
        self.category = category
        self.side = side
        self.protocol = protocol

    def train(self) -> Sequence[Sample]:
        """List the training images.

        Raises:
            BadData: The list is missing, not understood or without training images, or one is anomalous.
        """
        samples = self._listed("train")
        for sample in samples:
            if sample.anomalous:
                raise BadData(
                    f'"{self._list()}" has the anomalous training image "{sample.path}". Only normal images '
                    'are learnt: choose another "protocol".'
                )
        return samples

    def test(self) -> Sequence[Sample]:
        """List the test images, anomalous ones with their masks.

        Raises:
            BadData: The list is missing, not understood or without test images.
        """
        return self._listed("test")

    def _listed(self, split: str) -> list[Sample]:
        path, folder = self._list(), self.root / f"realiad_{self.side}" / self.category
        try:
            entries = parsed_json(regular(path).read_text(encoding="utf-8"))[split]
            samples = [_sample(entry, folder) for entry in entries]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadData(
                f'"{path}" is not understood as a list of Real-IAD ({error!r}). Expected "train" and "test" '
                'with entries of "image_path", "anomaly_class" and "mask_path".'
            ) from error
        if not samples:
            raise BadData(f'"{path}" lists no images of the split "{split}".')
        return samples

    def _list(self) -> Path:
        name = f"{self.category}.json"
        places = (self.root / "realiad_jsons" / self.protocol / name, self.root / self.protocol / name)
        found = next((path for path in places if path.is_file()), None)
        if found is None:
            raise BadData(
                f'There is no list "{name}" of the category: neither "{places[0]}" nor "{places[1]}".'
            )
        return found


def _sample(entry: Mapping[str, Any], folder: Path) -> Sample:
    path = folder / str(entry["image_path"])
    if entry["anomaly_class"] == _NORMAL:
        return Sample(path, anomalous=False)
    mask = entry["mask_path"]
    return Sample(path, anomalous=True, mask=None if mask is None else folder / str(mask))
