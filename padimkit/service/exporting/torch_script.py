"""A model as TorchScript, which programs in C++ run by libtorch, and its session."""

import io
import warnings
from pathlib import Path
from typing import Any, TypeAlias, final

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor, nn

from padimkit.errors import CannotExport
from padimkit.images.framing import Framing
from padimkit.images.resizing import TALL_FIRST, LongSide, Scale, ShortSide, Size, square
from padimkit.inspection.exported.card import KEY, Card
from padimkit.inspection.exported.session import Session
from padimkit.service.exporting.judged import Judged


def write_torch_script(judged: Judged, card: Card, path: Path) -> None:
    """Write a model into a file, with the card beside it as an extra file.

    Raises:
        CannotExport: torch cannot trace a part; its message is in this one.
    """
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, about TorchScript
            whole = _Whole(judged, card.framing, card.size)
            ways = {"forward": (judged.example,), "framed": (judged.example,)}
            traced = torch.jit.trace_module(whole, ways, check_trace=False)  # type: ignore[no-untyped-call]
            content = io.BytesIO()  # since torch ends the whole process where it cannot write to a file
            torch.jit.save(traced, content, _extra_files={KEY: card.as_text()})
    except (RuntimeError, TypeError, ValueError) as error:
        raise CannotExport(f"torch cannot write the model as TorchScript: {error}") from error
    path.write_bytes(content.getbuffer())


@final
class TorchScriptSession(Session):
    """A session of torch."""

    def __init__(self, path: Path, card: Card) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._model: Any = torch.jit.load(str(path))  # type: ignore[no-untyped-call]
        self.card = card

    def run(
        self, images: UInt8[np.ndarray, "b H W 3"]
    ) -> tuple[Float32[np.ndarray, " b"], Float32[np.ndarray, "b h w"]]:
        with torch.no_grad():
            scores, maps, *_ = self._model(torch.tensor(images))
        return scores.numpy(), maps.numpy()

    def run_framed(
        self, pixels: UInt8[np.ndarray, "b h w 3"]
    ) -> tuple[Float32[np.ndarray, " b"], Float32[np.ndarray, "b h w"]]:
        with torch.no_grad():
            scores, maps, *_ = self._model.framed(torch.tensor(pixels))
        return scores.numpy(), maps.numpy()


@final
class _Whole(nn.Module):
    """The preprocessing, as a script since the sizes of images decide what it does, and the rest."""

    def __init__(self, judged: Judged, framing: Framing, size: Size) -> None:
        super().__init__()
        self._seen: Any = torch.jit.script(seen)
        self._given = given(framing, size)
        self._judged = judged

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return self.framed(self._seen(images, *self._given))

    def framed(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Return the results for images that are resized, padded and cropped already."""
        return tuple(self._judged(pixels))


Given: TypeAlias = tuple[list[int], list[int], float, int, list[int], list[int], str, bool]


def given(framing: Framing, size: Size) -> Given:
    """Return the arguments of `seen`, in types that TorchScript has."""
    resize, sides, share, kind = framing.resize, [0, 0], 0.0, 0
    if isinstance(resize, ShortSide | LongSide | Scale):
        ((_, number),) = vars(resize).items()
        share, kind = float(number), [ShortSide, LongSide, Scale].index(type(resize)) + 1
    elif resize is not None:
        sides = list(square(resize))
    pad = [] if framing.pad is None else list(square(framing.pad))
    box, kept = list(framing.box or ()), list(size)
    return box, sides, share, kind, pad, kept, framing.interpolation, TALL_FIRST


def seen(
    images: Tensor,
    box: list[int],
    sides: list[int],
    share: float,
    kind: int,
    pad: list[int],
    size: list[int],
    interpolation: str,
    tall_first: bool,
) -> Tensor:
    """Return what a model sees of images "b H W 3" in bytes, exactly as Pillow and NumPy resize them."""
    if len(box) == 4:
        images = images[:, box[1] : box[3], box[0] : box[2]]
    height, width = images.shape[1], images.shape[2]
    rows, columns = height, width
    if kind > 0:
        factor = share
        if kind == 1:
            factor = share / min(height, width)
        if kind == 2:
            factor = share / max(height, width)
        rows, columns = max(1, int(round(height * factor))), max(1, int(round(width * factor)))  # noqa: RUF046
    elif sides[0] > 0:
        rows, columns = sides[0], sides[1]
    planes = images.permute(0, 3, 1, 2)
    if interpolation == "bilinear_unfiltered":
        planes = _between(planes.float(), rows).transpose(2, 3)
        planes = _between(planes, columns).transpose(2, 3).round()
    elif tall_first and height > rows and height - rows > 2 * (width - columns):
        planes = _along(planes.double(), rows, interpolation).transpose(2, 3)
        planes = _along(planes, columns, interpolation).transpose(2, 3)
    else:
        planes = _along(planes.double().transpose(2, 3), columns, interpolation).transpose(2, 3)
        planes = _along(planes, rows, interpolation)
    whole = [rows, columns] if len(pad) == 0 else pad
    places = [torch.zeros(0), torch.zeros(0)]
    for axis, (outer, inner, side) in enumerate(zip(whole, [rows, columns], size)):  # noqa: B905
        offset = (outer - inner) // 2 - (outer - side) // 2
        places[axis] = (torch.arange(side) - offset).clamp(0, inner - 1)
    kept = planes.index_select(2, places[0]).index_select(3, places[1])
    return kept.permute(0, 2, 3, 1).to(torch.uint8)


def _along(planes: Tensor, new: int, interpolation: str) -> Tensor:
    """Return planes "b c n m" resized to "b c new m" by a filter of Pillow, with its rounding."""
    old = planes.shape[2]
    if old == new:
        return planes
    scale = old / new
    stretch = max(scale, 1.0)
    support = (2 if interpolation == "bicubic" else 1) * stretch
    centres = (torch.arange(new, dtype=torch.float64) + 0.5) * scale
    first = (centres - support + 0.5).floor().clamp(min=0)[:, None]
    last = (centres + support + 0.5).floor().clamp(max=old)[:, None]
    places = torch.arange(old, dtype=torch.float64)[None]
    x = ((places - centres[:, None] + 0.5) / stretch).abs()
    weights = (1 - x).clamp(min=0)
    if interpolation == "bicubic":
        near = (1.5 * x - 2.5) * x * x + 1
        far = (((x - 5) * x + 8) * x - 4) * -0.5
        weights = torch.where(x < 1, near, torch.where(x < 2, far, torch.zeros_like(x)))
    weights = torch.where((places >= first) & (places < last), weights, torch.zeros_like(weights))
    weights = weights / weights.sum(1, keepdim=True)
    whole = (weights * 4194304 + torch.where(weights < 0, -0.5, 0.5)).trunc()  # 22 bits, as in Pillow
    return ((whole @ planes + 2097152) / 4194304).floor().clamp(0, 255)


def _between(planes: Tensor, new: int) -> Tensor:
    """Return planes "b c n m" resized to "b c new m", each row between the two nearest, as by NumPy."""
    old = planes.shape[2]
    places = ((torch.arange(new, dtype=torch.float64) + 0.5) * old / new - 0.5).clamp(0, old - 1)
    before = places.long()
    share = (places - before).float()[:, None]
    after = (before + 1).clamp(max=old - 1)
    return planes.index_select(2, before) * (1 - share) + planes.index_select(2, after) * share
