"""A fitted pipeline to a folder and back: config.yaml and state.safetensors, no pickle, and the manifest."""

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors import SafetensorError
from safetensors.torch import load as load_bytes
from safetensors.torch import load_file, save_file
from torch import Tensor

from padimkit.arguments import require_whole as require_number
from padimkit.config.build import build_pipeline
from padimkit.config.description import describe, plugins_of
from padimkit.config.yaml_file import read_yaml
from padimkit.contracts import TellsWeights
from padimkit.errors import BadArgument, BadModel, PadimkitError
from padimkit.files import file_digest, new_folder
from padimkit.images.prefetch import MOST_WORKERS
from padimkit.inspection.calibration import Calibration
from padimkit.inspection.history import Step, as_plain
from padimkit.inspection.learnt import LearntImage
from padimkit.pipeline.pipeline import Pipeline
from padimkit.registry.blame import blamed
from padimkit.storage.calibrations import add_calibration
from padimkit.storage.manifest import (
    FORMAT_VERSION,
    MANIFEST,
    NEEDED,
    load_manifest,
    place,
    write_file,
    write_manifest,
)
from padimkit.storage.providers import providers
from padimkit.values import Batch, numbered

_MOST_TRIED = 2**24  # pixels
_NO_MEMORY = torch.cuda.OutOfMemoryError
# Errors that say nothing about a model; those of drivers have no class of their own before torch 2.8.
_OF_DEVICES = (_NO_MEMORY, getattr(torch, "AcceleratorError", _NO_MEMORY))
# Where a file that is mapped can be replaced, as updates do with their model.
_MAPS = sys.platform != "win32"


def save(
    pipeline: Pipeline,
    folder: Path | str,
    *,
    calibration: Calibration | None = None,
    overwrite: bool = False,
) -> None:
    """Write a fitted pipeline with the weights of its backbone into a folder that needs no other file.

    Args:
        pipeline: A fitted one.
        folder: The model folder.
        calibration: Its calibration, as `calibrate` returns it.
        overwrite: Replace an earlier model.

    Raises:
        BadOutput: The folder exists and `overwrite` is false, or cannot be written; nothing is left behind.
        NotFitted: The pipeline has not been fitted.
    """
    with new_folder(place(folder), overwrite=overwrite, marker=MANIFEST) as staging:
        write_model(pipeline, staging, calibration, calibration.images if calibration else ())


def write_model(
    pipeline: Pipeline,
    folder: Path,
    calibration: Calibration | None = None,
    learnt: Iterable[LearntImage] = (),
    history: Sequence[Step] = (),
) -> None:
    """Write the files of a model into an empty folder."""
    config = {"pipeline": describe(pipeline)}
    state = {name: tensor.cpu().contiguous() for name, tensor in pipeline.state_dict().items()}
    try:
        save_file(state, folder / "state.safetensors")
    except SafetensorError as error:  # a full disk, which is an OSError for all other files
        raise OSError(str(error)) from error
    write_file(folder / "config.yaml", yaml.safe_dump(config, sort_keys=False))
    write_manifest(
        {
            "format_version": FORMAT_VERSION,
            "padimkit": version("padimkit"),
            "plugins": plugins_of(pipeline),
            "sha256": {name: file_digest(folder / name) for name in NEEDED},
            **_origin(pipeline),
            **({"history": as_plain(history)} if history else {}),
            **({} if pipeline.learnt is None else {"learnt": pipeline.learnt}),
        },
        folder,
    )
    add_calibration(folder, calibration, learnt)


def load(
    folder: Path | str,
    *,
    device: str = "cpu",
    trust: bool = False,
    precision: str | None = None,
    threads: int | None = None,
) -> Pipeline:
    """Return the fitted pipeline from a folder that `save` wrote.

    Args:
        folder: The model folder.
        device: The device to compute on.
        trust: Also import classes that are not installed plugins; their code runs.
        precision: "float32" or "bfloat16" for a backbone that computes in another type of number than its
            settings say; with "float32" densities compute in full precision too.
        threads: Threads of one call, which are common to all models of a process; None leaves them.

    Raises:
        BadArgument: `threads` is no number from 1 to 1024.
        BadModel: The folder is incomplete, altered, of a newer format, or made with a plugin that is missing,
            whatever other distribution has one of its name; or its parts do not fit each other.
    """
    if threads is not None:
        require_number("threads", threads, 1, MOST_WORKERS)
        torch.set_num_threads(threads)
    pipeline = load_parts(folder, device=device, trust=trust, precision=precision)
    require_whole(pipeline, folder)
    return pipeline


def load_parts(
    folder: Path | str, *, device: str = "cpu", trust: bool = False, precision: str | None = None
) -> Pipeline:
    """Return the pipeline from a folder as `load` does, but score nothing: for those who merge it first.

    Raises:
        BadModel: As for `load`, but parts that do not fit each other, which `require_whole` finds.
    """
    folder = place(folder)
    manifest = load_manifest(folder)
    known = providers(manifest, folder)
    try:
        settings = read_yaml(folder / "config.yaml").get("pipeline")
        if precision is not None:
            settings = _computing_in(precision, settings)
        pipeline = build_pipeline(settings, dotted=trust, providers=known)
        pipeline.load_state_dict(_read_state(folder / "state.safetensors"))
    except PadimkitError as error:
        raise BadModel(f'"{folder}" cannot be loaded: {error}{_needs(manifest)}') from error
    except (LookupError, AttributeError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise BadModel(
            f'"{folder}": state and configuration do not fit together ({blamed(error) or repr(error)}).'
        ) from error
    if isinstance(pipeline.backbone, TellsWeights):
        pipeline.backbone.restore_weights_origin(manifest.get("weights", {}))
    learnt = manifest.get("learnt")
    pipeline.learnt = learnt if type(learnt) is int else None  # earlier versions did not write it
    pipeline.to(device)
    return pipeline


def _read_state(path: Path) -> dict[str, Tensor]:
    return load_file(path) if _MAPS else load_bytes(path.read_bytes())


def require_whole(pipeline: Pipeline, folder: Path | str) -> None:
    """Score one image, unless it is very large: of parts with sound states, one may not fit the others.

    Raises:
        BadModel: They do not; the message names the folder.
    """
    if math.prod(pipeline.size) > _MOST_TRIED:
        return
    generator = torch.Generator().manual_seed(0)
    try:
        pipeline.predict_batch(Batch(torch.rand(1, 3, *pipeline.size, generator=generator), numbered(1)))
    except _OF_DEVICES:
        raise
    except (PadimkitError, KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        raise BadModel(f'"{folder}": its parts do not fit together ({error}).') from error


def computes_in(folder: Path | str, precision: str) -> bool:
    """Return whether a stored model computes in a precision by its own settings, so that `load` changes none.

    Raises:
        BadModel: The settings are not those of a model.
    """
    settings = read_yaml(place(folder) / "config.yaml").get("pipeline")
    return bool(_computing_in(precision, deepcopy(settings)) == settings)


def _computing_in(precision: str, settings: Any) -> Any:
    """Return the settings of a pipeline with the arguments that have to do with precision changed."""
    backbone, density = (settings[slot].get("init_args", {}) for slot in ("backbone", "density"))
    if "precision" in backbone:
        backbone["precision"] = precision
    elif precision != "float32":
        raise BadArgument(
            f'The backbone "{settings["backbone"]["class_path"]}" has no "precision": it computes in float32.'
        )
    if precision == "float32" and "storage" in density:
        density["storage"] = "full"
    return settings


def _origin(pipeline: Pipeline) -> dict[str, dict[str, str]]:
    """Return where the weights came from, for the manifest; nothing if that is not known."""
    origin = pipeline.backbone.weights_origin() if isinstance(pipeline.backbone, TellsWeights) else {}
    return {"weights": origin} if origin else {}


def _needs(manifest: Mapping[str, Any]) -> str:
    try:
        packages = sorted({f"{p['distribution']} {p['version']}" for p in manifest["plugins"]})
    except (KeyError, TypeError):
        return ""
    return f" The model was made with: {', '.join(packages)}." if packages else ""
