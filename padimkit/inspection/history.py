"""The history of a model: the steps in which it learnt images, as its manifest holds them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from PIL import ExifTags

from padimkit.errors import BadModel
from padimkit.images.pages import page_of
from padimkit.images.sample import Sample
from padimkit.inspection.learnt import LearntImage
from padimkit.pipeline.pipeline import Pipeline

_COMMANDS = ("fit", "update", "merge")
_NEGLIGIBLE = 0.0005  # of the area of an image
_TURNED = range(5, 9)  # orientations of EXIF that swap height and width


@dataclass(frozen=True)
class Step:
    """A step in which a model learnt images.

    Args:
        command: One of fit, update and merge.
        time: Its end, in UTC, as ISO 8601 writes it.
        images: Number of images that were learnt in this step.
        recipe: The recipe or the settings file as it was named, if one was.
        data: Settings of the data set, or the paths of images, or of the other model.
        sizes: Height, width and number of images of each size that originals have, the most frequent first;
            images that are not files are not among them.
        seen: The share of the originals' area that the model looks at, on average; None if no size is known.
        left_out: Number of images that were given and not learnt.
        anomalies: Path and sha256 of each image that was learnt as an anomalous one.
    """

    command: str
    time: str
    images: int
    recipe: str | None = None
    data: Any = None
    sizes: tuple[tuple[int, int, int], ...] = ()
    seen: float | None = None
    left_out: int = 0
    anomalies: tuple[tuple[str, str], ...] = ()


def step(
    command: str,
    samples: Sequence[Sample],
    pipeline: Pipeline,
    *,
    recipe: str | None = None,
    data: Any = None,
    left_out: int = 0,
    anomalies: Sequence[LearntImage] = (),
) -> Step:
    """Return the step in which a pipeline has just learnt these images, and not some others.

    Raises:
        BadImage: A file has gone, or is not an image any more.
        NotFitted: It has learnt none.
    """
    counts = _counts(samples, pipeline)
    sizes = tuple((*size, count) for size, count in counts.most_common())
    known = tuple((image.path, image.sha256) for image in anomalies)
    seen = _seen(counts, pipeline)
    return Step(command, _now(), len(samples), recipe, data, sizes, seen, left_out, known)


def anomalies_of(history: Iterable[Step]) -> tuple[LearntImage, ...]:
    """Return the images that were learnt as anomalous ones in all steps."""
    return tuple(LearntImage(*known) for one in history for known in one.anomalies)


def merged(own: Sequence[Step], other: Sequence[Step], name: str) -> tuple[Step, ...]:
    """Return the history of a model into which the other was merged.

    If that of one is unknown, there is a step for what is known, or none if no anomalous images are: these
    are not to be forgotten, since they must not be tested.
    """
    if own and other:
        return (*own, _merge(other, name))
    found = (_merge((*own, *other), name),) if own or other else ()
    return tuple(one for one in found if one.anomalies)


def _merge(history: Sequence[Step], name: str) -> Step:
    images = sum(one.images for one in history)
    known = tuple(pair for one in history for pair in one.anomalies)
    return Step("merge", _now(), images, None, name, sizes_of(history), seen_of(history), anomalies=known)


def is_whole(history: Sequence[Step]) -> bool:
    """Return whether a history tells of all images that were learnt: it begins with a fit."""
    return bool(history) and history[0].command == "fit"


def sizes_of(history: Iterable[Step]) -> tuple[tuple[int, int, int], ...]:
    """Return height, width and number of images of each size in all steps, the most frequent first."""
    counts: Counter[tuple[int, int]] = Counter()
    for one in history:
        for height, width, count in one.sizes:
            counts[height, width] += count
    return tuple((*size, count) for size, count in counts.most_common())


def seen_of(history: Iterable[Step]) -> float | None:
    """Return the share of the originals' area that the model looks at, on average over all steps."""
    known = [(one.seen, sum(count for *_, count in one.sizes)) for one in history if one.seen is not None]
    total = sum(count for _, count in known)
    return sum(seen * count for seen, count in known) / total if total else None


def as_plain(history: Iterable[Step]) -> list[dict[str, Any]]:
    """Return the steps in plain types; those without anomalies as versions before these had them."""
    return [
        {key: value for key, value in asdict(one).items() if key != "anomalies" or value} for one in history
    ]


def from_plain(value: Any, name: str) -> tuple[Step, ...]:
    """Return the steps in such plain types.

    Raises:
        BadModel: They are not as `as_plain` returns them; the message holds `name`.
    """
    if not isinstance(value, list):
        raise BadModel(f'"{name}": "history" is {value!r}; expected a list of steps.')
    return tuple(_step(one, name) for one in value)


def _step(value: Any, name: str) -> Step:
    keys = [one.name for one in fields(Step)]
    value = {"anomalies": []} | value if isinstance(value, dict) else value
    if not isinstance(value, dict) or sorted(value) != sorted(keys):
        raise BadModel(f'"{name}": a step of "history" is {value!r}; expected the keys {", ".join(keys)}.')
    sizes, seen, images = value["sizes"], value["seen"], value["images"]
    sound = (
        value["command"] in _COMMANDS
        and isinstance(value["time"], str)
        and _is_count(images)
        and type(value["left_out"]) is int
        and isinstance(value["recipe"], str | None)
        and isinstance(sizes, list)
        and all(isinstance(one, list) and len(one) == 3 and all(map(_is_count, one)) for one in sizes)
        and (seen is None or (isinstance(seen, int | float) and 0 <= seen <= 1))
        and isinstance(value["anomalies"], list)
        and all(isinstance(one, list) and list(map(type, one)) == [str, str] for one in value["anomalies"])
    )
    if not sound:
        raise BadModel(f'"{name}": a step of "history" is not as padimkit writes it: {value!r}.')
    known = tuple((path, sha256) for path, sha256 in value["anomalies"])
    counts = tuple((height, width, count) for height, width, count in sizes)
    return Step(**value | {"sizes": counts, "anomalies": known})


def _is_count(value: object) -> bool:
    return type(value) is int and value > 0


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def seen_share(samples: Sequence[Sample], pipeline: Pipeline) -> float | None:
    """Return the share of the images' area that a pipeline looks at, on average; None if no size is known.

    Raises:
        BadImage: A file has gone, or is not an image any more.
    """
    return _seen(_counts(samples, pipeline), pipeline)


def unseen_text(seen: float | None) -> str | None:
    """Return a sentence on the share of images that a model does not look at; None if there is none."""
    if seen is None or seen > 1 - _NEGLIGIBLE:
        return None
    return f"The model does not look at {1 - seen:.1%} of an image"


def _counts(samples: Iterable[Sample], pipeline: Pipeline) -> Counter[tuple[int, int]]:
    most = pipeline.preprocessing.most_pixels
    return Counter(_size(sample.file, most) for sample in samples if sample.file is not None)


def _seen(counts: Counter[tuple[int, int]], pipeline: Pipeline) -> float | None:
    if not counts:
        return None
    shares = ((pipeline.seen(size), count) for size, count in counts.items())
    return sum(share * count for share, count in shares) / counts.total()


def _size(path: Path, most_pixels: int) -> tuple[int, int]:
    """Return height and width of an image, upright, without decoding it."""
    with page_of(path, most_pixels).opened() as picture:
        height, width = picture.height, picture.width
        turned = picture.getexif().get(ExifTags.Base.Orientation) in _TURNED
    return (width, height) if turned else (height, width)
