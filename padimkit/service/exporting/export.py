"""The export of a stored model, which is written only if it gives the results of the model."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import torch

from padimkit.config.description import describe
from padimkit.errors import BadArgument, CannotExport, NotCalibrated
from padimkit.files import new_files
from padimkit.images.sample import Sample
from padimkit.inspection.calibration import Calibration
from padimkit.inspection.exported.card import Card
from padimkit.inspection.exported.runtimes import runtime
from padimkit.inspection.exported.session import ONNX, OPENVINO, Session, open_session
from padimkit.pipeline.pipeline import Pipeline
from padimkit.service.exporting.judged import Judged
from padimkit.service.exporting.parity import Images, Parity, chosen_images, compared_images, parity
from padimkit.storage import load, load_calibration, load_learnt, model_digest

Format = Literal["onnx", "openvino", "torchscript"]
Precision = Literal["float32", "bfloat16", "int8"]
Ranges: TypeAlias = Callable[[], Images]  # images to find the ranges of int8 on
SUFFIXES = {"onnx": ONNX, "openvino": OPENVINO, "torchscript": ".pt"}
_CALIBRATION_IMAGES = 300  # of int8: NNCF's own number


@dataclass(frozen=True)
class Exported:
    """An exported model.

    Args:
        path: The file that is loaded; OpenVINO has one beside it, and so do very large ONNX models.
        files: All files.
        parity: Its differences from the model in float32.
    """

    path: Path
    files: tuple[Path, ...]
    parity: Parity


def export(
    model: Path | str,
    output: Path | str,
    *,
    format: Format = "onnx",
    precision: Precision = "float32",
    images: Sequence[Path] = (),
    overwrite: bool = False,
    trust: bool = False,
) -> Exported:
    """Write a stored model as a graph that runs without padimkit and torch, and compare it with the model.

    Args:
        model: The model folder.
        output: The file, .onnx, .xml or .pt.
        format: The runtime that the file is for.
        precision: Type of number that OpenVINO computes with; the ranges of int8 are those of `images`, or of
            the images that the model has learnt.
        images: Images to compare on, and to calibrate int8 on; by default those that the model has learnt and
            that are still there, mirrored to compare on, else drawn ones.
        overwrite: Replace an earlier file.
        trust: Import classes of the model that are not installed plugins; their code runs.

    Raises:
        BadArgument: A package that the format needs is not installed, or format and precision do not fit.
        BadModel: The folder is not a whole model.
        BadOutput: The file exists and `overwrite` is false, or cannot be written.
        CannotExport: A part cannot be exported, or results in float32 differ by more than 1e-4 of their
            value. Nothing is written.
    """
    output, images = Path(output).expanduser(), [Path(image).expanduser() for image in images]
    _require_fit(output, format, precision)
    with new_files(output, overwrite=overwrite) as path:
        pipeline, calibration = load(model, trust=trust, precision="float32"), _calibration(model)
        learnt = load_learnt(model)
        compared = compared_images(images, learnt, pipeline)
        card = _card(pipeline, calibration, model_digest(model), precision)
        with torch.no_grad():
            judged = Judged(pipeline.graph(), calibration)
            ranges = partial(chosen_images, images, learnt, pipeline, most=_CALIBRATION_IMAGES)
            # The session has no name here: while it lives, Windows does not move files that it maps.
            found = parity(_WRITERS[format](judged, card, path, ranges), pipeline, compared, calibration)
        if precision == "float32" and not found.holds:
            raise CannotExport(
                f"The exported model gives other results, and is not written: {found}. If these images were "
                "learnt, compare on others: --images."
            )
        files = tuple(output.parent / name for name in _names(path))
    return Exported(output, files, found)


def _names(path: Path) -> list[str]:
    """Return the names of all files, the one that is loaded last."""
    return [*sorted(one.name for one in path.parent.iterdir() if one != path), path.name]


def _write_onnx(judged: Judged, card: Card, path: Path, _: Ranges) -> Session:
    for name in ("onnx", "onnxscript", "onnxruntime"):
        runtime(name, "export")
    from padimkit.service.exporting.onnx_model import onnx_model, write_onnx  # which imports onnx

    write_onnx(onnx_model(judged, card), path)
    return open_session(path)


def _write_openvino(judged: Judged, card: Card, path: Path, images: Ranges) -> Session:
    for name in ("onnx", "onnxscript"):
        runtime(name, "export")
    from padimkit.service.exporting.onnx_model import onnx_model, write_onnx  # which imports onnx
    from padimkit.service.exporting.openvino_model import openvino_model, quantized, write_openvino

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # Windows: OpenVINO maps tensors
        onnx = Path(folder) / "model.onnx"
        write_onnx(onnx_model(judged, card, optional=False), onnx)
        model = openvino_model(onnx, card)
        if card.precision == "int8":
            model = quantized(model, images().samples, partial(_pixels, card=card))
        write_openvino(model, path)
    return open_session(path)


def _write_torch_script(judged: Judged, card: Card, path: Path, _: Ranges) -> Session:
    from padimkit.service.exporting.torch_script import TorchScriptSession, write_torch_script

    write_torch_script(judged, card, path)
    return TorchScriptSession(path, card)


_WRITERS: dict[str, Callable[[Judged, Card, Path, Ranges], Session]] = {
    "onnx": _write_onnx,
    "openvino": _write_openvino,
    "torchscript": _write_torch_script,
}


def _pixels(sample: Sample, card: Card) -> np.ndarray:
    return np.asarray(sample.picture(card.depth, card.framing.most_pixels))


def _require_fit(output: Path, format: str, precision: str) -> None:
    if format not in SUFFIXES:
        raise BadArgument(f'Expected "format" to be one of {", ".join(SUFFIXES)}, got "{format}".')
    if output.suffix.lower() != SUFFIXES[format]:
        raise BadArgument(f'A file of the format "{format}" ends in {SUFFIXES[format]}, got "{output}".')
    if precision not in ("float32", "bfloat16", "int8"):
        raise BadArgument(f'Expected "precision" to be float32, bfloat16 or int8, got "{precision}".')
    if precision != "float32" and format != "openvino":
        raise BadArgument(f'"{precision}" needs the format openvino; {format} computes in float32.')


def _calibration(model: Path | str) -> Calibration | None:
    try:
        return load_calibration(model)
    except NotCalibrated:
        return None


def _card(pipeline: Pipeline, calibration: Calibration | None, digest: str, precision: str) -> Card:
    preprocessing = pipeline.fitted_preprocessing
    if preprocessing.first is not None:
        who = type(preprocessing.first).__name__
        raise CannotExport(
            f'{who} ("first" of the preprocessing) cannot be exported. Change the pictures before they are '
            "inspected, or run the model by padimkit."
        )
    region = pipeline.region
    return Card(
        size=pipeline.size,
        framing=preprocessing.framing,
        depth=preprocessing.depth,
        region=None if region is None else region.cpu().numpy(),
        calibration=calibration,
        digest=digest,
        precision=precision,
        padimkit=version("padimkit"),
        settings=describe(pipeline),
    )
