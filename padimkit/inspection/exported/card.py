"""The card of an exported model, in its file: all that a verdict needs beside scores and maps."""

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, cast, final, get_args

import numpy as np
from jaxtyping import Bool

from padimkit.arguments import require_choice, require_whole
from padimkit.errors import BadArgument, BadModel
from padimkit.files.json_text import parsed_json
from padimkit.images.decoders import MOST_EVER
from padimkit.images.depth import DEPTHS
from padimkit.images.forms import as_region, as_size, require_positive
from padimkit.images.framing import Framing
from padimkit.images.resizing import Box, Interpolation, LongSide, Scale, ShortSide, Size
from padimkit.inspection.calibration import Calibration
from padimkit.inspection.calibration_file import as_json, from_json

KEY = "padimkit"  # of the card among the metadata of a file
FORMAT = 1
_UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, OverflowError, zlib.error, BadArgument)
_RESIZES = {"short_side": ShortSide, "long_side": LongSide, "scale": Scale}


@final
@dataclass(frozen=True)
class Card:
    """The facts of a model that its graph does not hold in a form that a program can ask for.

    Args:
        size: Height and width of an image as the model sees it.
        framing: The way of an original image to there.
        depth: Bits per channel of files that have more than 8; None if not known.
        region: True where a mask lets the model look; None for everywhere.
        calibration: The calibration, without its learnt images; None if there is none.
        digest: The sha256 of the stored model that was exported; None if it was not stored.
        precision: The type of number to compute with: float32, bfloat16 or int8.
        padimkit: The version that has exported it.
        settings: The settings of the pipeline.
    """

    size: Size
    framing: Framing
    depth: int | None
    region: Bool[np.ndarray, "H W"] | None = field(repr=False)
    calibration: Calibration | None = field(repr=False)
    digest: str | None
    precision: str
    padimkit: str
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def as_text(self) -> str:
        """Return the card as JSON."""
        values = {
            name: getattr(self, name) for name in ("size", "depth", "precision", "padimkit", "settings")
        }
        return json.dumps(
            {"format": FORMAT, "hash": self.digest}
            | values
            | {
                "framing": asdict(self.framing),
                "region": None if self.region is None else _packed(self.region),
                "calibration": None if self.calibration is None else json.loads(as_json(self.calibration)),
            }
        )

    @classmethod
    def from_text(cls, text: str, name: str) -> "Card":
        """Return the card in such a JSON.

        Raises:
            BadModel: It is not as `as_text` writes it, or of a newer format; the message holds `name`.
        """
        try:
            values = parsed_json(text)
            if values["format"] > FORMAT:
                raise BadModel(
                    f'"{name}" was exported by padimkit {values["padimkit"]}, in a newer format. Upgrade '
                    "padimkit."
                )
            height, width = map(int, values["size"])
            require_positive("size", (height, width))
            if values["depth"] not in (None, *DEPTHS):
                raise BadArgument(f'Expected "depth" to be one of {", ".join(map(str, DEPTHS))}.')
            known = values["calibration"]
            return cls(
                size=(height, width),
                framing=_framing(values["framing"]),
                depth=values["depth"],
                region=None if values["region"] is None else _unpacked(values["region"], (height, width)),
                calibration=None if known is None else from_json(json.dumps(known), name),
                digest=values["hash"],
                precision=str(values["precision"]),
                padimkit=str(values["padimkit"]),
                settings=values["settings"],
            )
        except _UNREADABLE as error:
            raise BadModel(
                f'"{name}" has a card that cannot be read ({error!r}). Export it again.'
            ) from error


def _framing(values: Mapping[str, Any]) -> Framing:
    resize = values["resize"]
    if isinstance(resize, dict):
        ((key, number),) = resize.items()
        resize = _RESIZES[key](number)
    found: dict[str, Any] = {"resize": as_size("resize", resize)}
    found |= {name: as_size(name, values[name]) for name in ("crop", "pad", "tile")}
    for name, size in found.items():
        require_positive(name, size)
    if isinstance(values["box"], str):
        raise BadArgument('Expected "box" as [left, top, right, bottom].')
    found["box"] = cast(Box | None, as_region(values["box"]))
    found["most_pixels"] = values["most_pixels"]
    found["interpolation"] = values.get("interpolation", "bicubic")  # older cards have none
    require_whole("most_pixels", found["most_pixels"], 1, MOST_EVER)
    require_choice("interpolation", found["interpolation"], get_args(Interpolation))
    return Framing(**found)


def _packed(region: Bool[np.ndarray, "H W"]) -> str:
    return base64.b64encode(zlib.compress(np.packbits(region).tobytes())).decode("ascii")


def _unpacked(text: str, size: Size) -> Bool[np.ndarray, "H W"]:
    most = -(-size[0] * size[1] // 8)  # bytes: a text of a few may hold many more
    packed = zlib.decompressobj().decompress(base64.b64decode(text), most)
    if len(packed) < most:
        raise ValueError(f"a region of {len(packed)} bytes, expected {most}")
    bits = np.frombuffer(packed, dtype=np.uint8)
    return np.unpackbits(bits, count=size[0] * size[1]).reshape(size).astype(bool)
