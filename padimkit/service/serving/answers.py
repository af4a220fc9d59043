"""The answer to an image: the line of `padimkit inspect`, with pictures and maps where they are asked for."""

import base64
import io
import json
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from padimkit.images.decoding import open_page
from padimkit.images.pages import Page
from padimkit.inspection.inspection import Inspection
from padimkit.inspection.pictures import in_sixteen_bits, map_range, marked
from padimkit.inspection.verdict import Verdict
from padimkit.service.inspector import Inspector

_SIDE = 480  # pixels of a preview


def answer(inspection: Inspection, inspector: Inspector, page: Page, wanted: Collection[str]) -> str:
    """Return the line with what is wanted beside it, by the names in `EXTRAS`; nothing beside an ERROR."""
    values = inspection.as_dict()
    if inspection.verdict is not Verdict.ERROR:
        values |= {name: EXTRAS[name](inspection, inspector, page) for name in EXTRAS if name in wanted}
    return json.dumps(values, allow_nan=False) + "\n"


def _overlay(inspection: Inspection, inspector: Inspector, page: Page) -> str:
    return _encoded(_marked(inspection, inspector, _original(inspector, page)), "PNG")


def _preview(inspection: Inspection, inspector: Inspector, page: Page) -> dict[str, str]:
    picture = _original(inspector, page)
    overlay = _marked(inspection, inspector, picture)
    for one in (picture, overlay):
        one.thumbnail((_SIDE, _SIDE))
    return {"image": _encoded(picture, "JPEG"), "overlay": _encoded(overlay, "JPEG")}


def _map(inspection: Inspection, inspector: Inspector, _: Page) -> dict[str, Any]:
    scale = inspector.calibration.map_scale
    low, high = map_range(scale)
    return {
        "minimum": low,
        "maximum": high,
        "png": _encoded(in_sixteen_bits(inspection, scale), "PNG"),
    }


def _values(inspection: Inspection, _: Inspector, __: Page) -> dict[str, Any]:
    values = inspection.map_at_original().astype("<f4")
    return {"shape": list(values.shape), "float32": _text(np.ascontiguousarray(values).tobytes())}


EXTRAS: dict[str, Callable[[Inspection, Inspector, Page], Any]] = {
    "overlay": _overlay,
    "map": _map,
    "values": _values,
    "preview": _preview,
}


def _original(inspector: Inspector, page: Page) -> Image.Image:
    return open_page(replace(page, most_pixels=inspector.most_pixels), inspector.depth)


def _marked(inspection: Inspection, inspector: Inspector, picture: Image.Image) -> Image.Image:
    return marked(picture, inspection, inspector.calibration.map_scale)


def _encoded(picture: Image.Image, kind: str) -> str:
    file = io.BytesIO()
    picture.save(file, format=kind)
    return _text(file.getvalue())


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
