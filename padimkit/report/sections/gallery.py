"""Heat maps of all methods on the same images."""

import base64
import binascii
import io
from dataclasses import dataclass
from typing import Any, TypeAlias

from matplotlib import colormaps
from PIL import Image

from padimkit.benchmark.record import Example
from padimkit.errors import BadData
from padimkit.report import links
from padimkit.report.entries import Entry
from padimkit.report.protocols import Protocol, protocol
from padimkit.report.study import Study
from padimkit.report.tables import Table

name = "gallery"
title = "Heat maps"
MOST_MAPS = 300  # of about 16 kB: a page is mailed, and opened on a phone
Maps: TypeAlias = "dict[str, tuple[Entry, Example]]"  # by method


@dataclass(frozen=True)
class Scale:
    """The darkest and the brightest score, the same for all maps of a method in a category."""

    low: float
    high: float


@dataclass(frozen=True)
class HeatMap:
    """A method's result for an image: the coloured map as an address, the score, a link to the record."""

    method: str
    seed: int
    picture: str
    scale: Scale
    example: Example
    target: str


@dataclass(frozen=True)
class ImageMaps:
    """A test image, its true defect, and the map of each method; pictures are addresses that hold them."""

    path: str
    truth: str
    image: str
    mask: str | None
    maps: list[HeatMap]


@dataclass(frozen=True)
class CategoryMaps:
    """The images of a category with their maps; `left_out` counts those for which there is no room."""

    place: str
    images: list[ImageMaps]
    left_out: int


def build(study: Study) -> dict[str, Any] | None:
    """Return the categories; None if no record has examples.

    Raises:
        BadData: A picture in a record is not a PNG or JPEG file.
    """
    found = category_maps(study)
    return {"categories": found, "most": MOST_MAPS} if found else None


def tables(study: Study) -> tuple[Table, ...]:
    """Return none: the section holds pictures."""
    return ()


def category_maps(study: Study) -> list[CategoryMaps]:
    """Return the maps of each category that has examples.

    Raises:
        BadData: A picture in a record is not a PNG or JPEG file.
    """
    by_place: dict[str, list[Entry]] = {}
    for entry in study.finished:
        if entry.record.examples:
            by_place.setdefault(entry.place, []).append(entry)
    grouped = {where: _grouped(entries) for where, entries in by_place.items()}
    counts = _shown({where: [len(maps) for maps in found] for where, found in grouped.items()})
    return [
        CategoryMaps(where, _images(found[: counts[where]]), len(found) - counts[where])
        for where, found in grouped.items()
    ]


def _shown(maps: dict[str, list[int]]) -> dict[str, int]:
    """Return how many images of each category are shown: in turn one more of each, while the maps are few.

    Args:
        maps: By category, the number of maps of each of its images.
    """
    counts, total = dict.fromkeys(maps, 0), 0
    for turn in range(max(map(len, maps.values()), default=0)):
        for where, found in maps.items():
            fits = total == 0 or total + found[min(turn, len(found) - 1)] <= MOST_MAPS
            if counts[where] == turn < len(found) and fits:
                counts[where] += 1
                total += found[turn]
    return counts


def _images(found: list[Maps]) -> list[ImageMaps]:
    scales = _scales([pair for maps in found for pair in maps.values()])
    return [_image_maps(maps, scales) for maps in found]


def _grouped(entries: list[Entry]) -> list[Maps]:
    """Group maps by path and picture: another picture comes of another preprocessing."""
    shown: dict[tuple[str, str], dict[str, tuple[Entry, Example]]] = {}
    for entry in sorted(entries, key=lambda entry: entry.record.cell.seed):
        for example in entry.record.examples:
            maps = shown.setdefault((example.path, example.image), {})
            maps.setdefault(entry.record.cell.method, (entry, example))
    return [maps for _, maps in sorted(shown.items(), key=lambda item: item[0][0])]


def _scales(shown: list[tuple[Entry, Example]]) -> dict[tuple[str, Protocol], Scale]:
    found: dict[tuple[str, Protocol], list[Example]] = {}
    for entry, example in shown:
        found.setdefault(_kind(entry), []).append(example)
    return {
        kind: Scale(min(example.low for example in examples), max(example.high for example in examples))
        for kind, examples in found.items()
    }


def _kind(entry: Entry) -> tuple[str, Protocol]:
    return entry.record.cell.method, protocol(entry.record)


def _image_maps(
    maps: dict[str, tuple[Entry, Example]], scales: dict[tuple[str, Protocol], Scale]
) -> ImageMaps:
    entry, first = next(iter(maps.values()))
    masks = [example.mask for _, example in maps.values() if example.mask is not None]
    mask = _address(masks[0], entry) if masks else None
    heat_maps = [_heat_map(*maps[method], scales[_kind(maps[method][0])]) for method in sorted(maps)]
    return ImageMaps(first.path, _truth(first), _address(first.image, entry), mask, heat_maps)


def _heat_map(entry: Entry, example: Example, scale: Scale) -> HeatMap:
    picture = _open(example.map, entry).convert("L")
    picture.putpalette(_palette(example, scale))
    file = io.BytesIO()
    picture.save(file, format="PNG", optimize=True)
    coloured = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    cell = entry.record.cell
    return HeatMap(cell.method, cell.seed, coloured, scale, example, links.of_entry(entry))


def _palette(example: Example, scale: Scale) -> bytes:
    """Return the colour of the score of each grey; the brightness alone tells scores apart."""
    span = max(scale.high - scale.low, 1e-12)
    scores = (example.low + (example.high - example.low) * grey / 255 for grey in range(256))
    places = [(score - scale.low) / span for score in scores]
    colours: list[list[int]] = colormaps["inferno"](places, bytes=True).tolist()
    return bytes(part for colour in colours for part in colour[:3])


def _address(picture: str, entry: Entry) -> str:
    kind = (_open(picture, entry).format or "").lower()
    return f"data:image/{kind};base64,{picture}"


def _open(picture: str, entry: Entry) -> Image.Image:
    try:
        opened = Image.open(io.BytesIO(base64.b64decode(picture, validate=True)), formats=["PNG", "JPEG"])
        opened.load()
    except (binascii.Error, ValueError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadData(f'"{entry.file}" holds an example that is not a PNG or JPEG file: {error}') from error
    return opened


def _truth(example: Example) -> str:
    return {None: "no label", True: "anomalous", False: "normal"}[example.anomalous]
