"""The export of a stored model, which is written only if it gives the results of the model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from padimkit.config.description import describe
from padimkit.errors import BadArgument, BrokenPlugin, CannotExport, NotCalibrated
from padimkit.files import new_files
from padimkit.images.sample import Sample
from padimkit.inspection.calibration import Calibration
from padimkit.inspection.exported.card import Card
from padimkit.pipeline.pipeline import Pipeline
from padimkit.registry.registry import Registry
from padimkit.service.exporting.exporter import Exporter, ExportSource
from padimkit.service.exporting.judged import Judged
from padimkit.service.exporting.parity import Images, Parity, chosen_images, compared_images, parity
from padimkit.storage import load, load_calibration, load_learnt, model_digest

Precision = Literal["float32", "bfloat16", "int8"]
_CALIBRATION_IMAGES = 300  # of int8: NNCF's own number


@dataclass(frozen=True)
class Exported:
    """An exported model.

    Args:
        path: The file that is loaded; OpenVINO has one beside it, and so do very large ONNX models.
        files: All files.
        parity: Its differences from the model in float32; None where the format cannot be run here.
    """

    path: Path
    files: tuple[Path, ...]
    parity: Parity | None


def export(
    model: Path | str,
    output: Path | str,
    *,
    format: str = "onnx",
    precision: Precision = "float32",
    images: Sequence[Path] = (),
    overwrite: bool = False,
    trust: bool = False,
) -> Exported:
    """Write a stored model as a graph that runs without padimkit and torch, and compare it with the model.

    Args:
        model: The model folder.
        output: The file, .onnx, .xml, .pt, or whatever the format says.
        format: The runtime that the file is for: onnx, openvino, torchscript, or a plugin's.
        precision: Type of number that OpenVINO computes with; the ranges of int8 are those of `images`, or of
            the images that the model has learnt.
        images: Images to compare on, and to calibrate int8 on; by default those that the model has learnt and
            that are still there, mirrored to compare on, else drawn ones.
        overwrite: Replace an earlier file.
        trust: Import classes of the model that are not installed plugins; their code runs.

    Raises:
        BadArgument: A package that the format needs is not installed, or format and precision do not fit.
        UnknownPlugin: There is no such format.
        BrokenPlugin: It cannot be imported, or not be made without arguments.
        BadModel: The folder is not a whole model.
        BadOutput: The file exists and `overwrite` is false, or cannot be written.
        CannotExport: A part cannot be exported, or results in float32 differ by more than 1e-4 of their
            value. Nothing is written.
    """
    output, images = Path(output).expanduser(), [Path(image).expanduser() for image in images]
    exporter = _exporter(format)
    _require_fit(output, exporter, format, precision)
    with new_files(output, overwrite=overwrite) as path:
        pipeline, calibration = load(model, trust=trust, precision="float32"), _calibration(model)
        learnt = load_learnt(model)
        compared = compared_images(images, learnt, pipeline)
        card = _card(pipeline, calibration, model_digest(model), precision)
        with torch.no_grad():
            chosen = partial(chosen_images, images, learnt, pipeline, most=_CALIBRATION_IMAGES)
            graph = Judged(pipeline.graph(), calibration)
            exporter.write(ExportSource(graph, card, lambda: _decoders(chosen().samples, card)), path)
            found = _compared(exporter, path, card, pipeline, compared)
        if precision == "float32" and found is not None and not found.holds:
            raise CannotExport(
                f"The exported model gives other results, and is not written: {found}. If these images were "
                "learnt, compare on others: --images."
            )
        files = tuple(output.parent / name for name in _names(path))
    return Exported(output, files, found)


def _exporter(format: str) -> Exporter:
    kind = Registry("exporters").load(format)
    try:
        made: Exporter = kind()
    except TypeError as error:
        raise BrokenPlugin(f'The exporter "{format}" cannot be made without arguments: {error}.') from error
    return made


def _compared(
    exporter: Exporter, path: Path, card: Card, pipeline: Pipeline, images: Images
) -> Parity | None:
    """Return the differences from the pipeline; None where the file cannot be run here.

    The session ends with this function: while it lives, Windows does not move files that it maps.
    """
    if not path.is_file():
        raise CannotExport(f'{exporter} has not written "{path.name}".')
    session = exporter.open(path, card)
    return None if session is None else parity(session, pipeline, images, card.calibration)


def _names(path: Path) -> list[str]:
    """Return the names of all files, the one that is loaded last."""
    return [*sorted(one.name for one in path.parent.iterdir() if one != path), path.name]


def _decoders(samples: Sequence[Sample], card: Card) -> list[Callable[[], np.ndarray]]:
    return [partial(_pixels, sample, card) for sample in samples]


def _pixels(sample: Sample, card: Card) -> np.ndarray:
    return np.asarray(sample.picture(card.depth, card.framing.most_pixels))


def _require_fit(output: Path, exporter: Exporter, format: str, precision: str) -> None:
    if not output.name.lower().endswith(exporter.suffix):
        raise BadArgument(f'A file of the format "{format}" ends in {exporter.suffix}, got "{output}".')
    if precision not in ("float32", "bfloat16", "int8"):
        raise BadArgument(f'Expected "precision" to be float32, bfloat16 or int8, got "{precision}".')
    if precision not in exporter.precisions:
        known = " or ".join(exporter.precisions)
        hint = "" if format == "openvino" else "; openvino has it"
        raise BadArgument(f'The format "{format}" computes in {known}, not in "{precision}"{hint}.')


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
