"""The model folder of a fitted pipeline: manifest.json, config.yaml, state.safetensors; no pickle.

A model that is calibrated has calibration.json too, and training.csv tells which images it has learnt.
"""

import json
import math
import shutil
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from padimkit.config.build import build_pipeline
from padimkit.config.description import describe, plugins_of
from padimkit.config.yaml_file import read_yaml
from padimkit.contracts import TellsWeights
from padimkit.errors import BadArgument, BadModel, NotCalibrated, PadimkitError, UntrustedClass
from padimkit.files import file_digest, new_folder
from padimkit.files.json_text import parsed_json
from padimkit.files.staging import finish_left
from padimkit.inspection.calibration import Calibration
from padimkit.inspection.calibration_file import as_json, from_json
from padimkit.inspection.history import Step, as_plain, from_plain
from padimkit.inspection.learnt import LearntImage, as_csv, from_csv
from padimkit.pipeline.pipeline import Pipeline
from padimkit.values import Batch, numbered

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
CALIBRATION = "calibration.json"
TRAINING = "training.csv"
_MOST_MANIFEST = 10**6  # characters
_MOST_TRIED = 2**24  # pixels
_NEEDED = ("config.yaml", "state.safetensors")


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
    with new_folder(_place(folder), overwrite=overwrite, marker=MANIFEST) as staging:
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
    _write_text(folder / "config.yaml", yaml.safe_dump(config, sort_keys=False))
    _write_manifest(
        {
            "format_version": FORMAT_VERSION,
            "padimkit": version("padimkit"),
            "plugins": plugins_of(pipeline),
            "sha256": {name: file_digest(folder / name) for name in _NEEDED},
            **_origin(pipeline),
            **({"history": as_plain(history)} if history else {}),
        },
        folder,
    )
    _add_calibration(folder, calibration, learnt)


def save_calibration(
    calibration: Calibration, model: Path | str, folder: Path | str, *, overwrite: bool = False
) -> None:
    """Write a stored model with this calibration, in place of any that it had, into a folder.

    Args:
        calibration: The calibration; the images that it does not name are those of the model.
        model: The stored model.
        folder: The new folder, which may be that of the model.
        overwrite: Replace an earlier model.

    Raises:
        BadModel: The model cannot be read.
        BadOutput: The folder exists and `overwrite` is false, or cannot be written; nothing is left behind.
    """
    _read_manifest(_place(model))  # what is not a model is said before what is wrong with the folder
    with new_folder(_place(folder), overwrite=overwrite, marker=MANIFEST) as staging:
        write_calibration(calibration, model, staging)


def write_calibration(calibration: Calibration, model: Path | str, folder: Path) -> None:
    """Write a stored model with this calibration, as `save_calibration` does, into an empty folder.

    Raises:
        BadModel: The model cannot be read.
    """
    load_manifest(model)
    learnt = calibration.images or load_learnt(model)
    for name in (*_NEEDED, MANIFEST):
        shutil.copy2(_place(model) / name, folder / name)
    _add_calibration(folder, calibration, learnt)


def load_calibration(folder: Path | str) -> Calibration:
    """Return the calibration of a stored model.

    Raises:
        NotCalibrated: It has none.
        BadModel: A file is missing, altered or wrong; the message names it.
    """
    text = _text(_place(folder), CALIBRATION)
    if text is None:
        raise NotCalibrated(
            f'"{folder}" has no calibration, so no verdict follows from its scores. Run: '
            f"padimkit calibrate {folder} --data NAME --data.ARGUMENT VALUE ..., with normal images."
        )
    return from_json(text, str(_place(folder) / CALIBRATION), load_learnt(folder))


def load_learnt(folder: Path | str) -> tuple[LearntImage, ...]:
    """Return the images that a stored model has learnt, or none if it does not say.

    Raises:
        BadModel: A file is missing, altered or wrong; the message names it.
    """
    text = _text(_place(folder), TRAINING)
    return () if text is None else from_csv(text, str(_place(folder) / TRAINING))


def load_history(folder: Path | str) -> tuple[Step, ...]:
    """Return the steps in which a stored model learnt images, or none if it does not say.

    Raises:
        BadModel: The manifest cannot be read.
    """
    return from_plain(_read_manifest(_place(folder)).get("history", []), str(_place(folder) / MANIFEST))


def load_manifest(folder: Path | str) -> dict[str, Any]:
    """Return the manifest of a stored model, all of whose files are as it says.

    Raises:
        BadModel: A file is missing or altered; the message names it.
    """
    manifest = _read_manifest(_place(folder))
    for name in manifest["sha256"]:
        _require_whole(_place(folder), name, manifest)
    return manifest


def model_digest(folder: Path | str) -> str:
    """Return the sha256 that names a stored model: of the names and digests of its files, sorted by name.

    Raises:
        BadModel: The manifest cannot be read.
    """
    digests = _read_manifest(_place(folder))["sha256"]
    return sha256("".join(f"{name} {digests[name]}\n" for name in sorted(digests)).encode()).hexdigest()


def load(
    folder: Path | str, *, device: str = "cpu", trust: bool = False, precision: str | None = None
) -> Pipeline:
    """Return the fitted pipeline from a folder that `save` wrote.

    Args:
        folder: The model folder.
        device: The device to compute on.
        trust: Also import classes that are not installed plugins; their code runs.
        precision: "float32" or "bfloat16" for a backbone that computes in another type of number than its
            settings say; with "float32" densities compute in full precision too.

    Raises:
        BadModel: The folder is incomplete, altered, of a newer format, or names a plugin that is missing.
    """
    folder = _place(folder)
    manifest = load_manifest(folder)
    try:
        settings = read_yaml(folder / "config.yaml").get("pipeline")
        if precision is not None:
            settings = _computing_in(precision, settings)
        pipeline = build_pipeline(settings, dotted=trust)
        pipeline.load_state_dict(load_file(folder / "state.safetensors"))
    except UntrustedClass as error:
        raise BadModel(
            f'"{folder}" cannot be loaded: {error} Loading would run its code: '
            "pass --trust if you trust where the model comes from."
        ) from error
    except PadimkitError as error:
        raise BadModel(f'"{folder}" cannot be loaded: {error}{_needs(manifest)}') from error
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise BadModel(f'"{folder}": state and configuration do not fit together ({error!r}).') from error
    if isinstance(pipeline.backbone, TellsWeights):
        pipeline.backbone.restore_weights_origin(manifest.get("weights", {}))
    pipeline.to(device)
    _require_whole_pipeline(pipeline, folder)
    return pipeline


def _require_whole_pipeline(pipeline: Pipeline, folder: Path) -> None:
    """Score one image, unless it is very large: of parts with sound states, one may not fit the others."""
    if math.prod(pipeline.size) > _MOST_TRIED:
        return
    generator = torch.Generator().manual_seed(0)
    try:
        pipeline.predict_batch(Batch(torch.rand(1, 3, *pipeline.size, generator=generator), numbered(1)))
    except torch.cuda.OutOfMemoryError:
        raise
    except (PadimkitError, KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        raise BadModel(f'"{folder}": its parts do not fit together ({error}).') from error


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


def is_model(folder: Path | str) -> bool:
    """Return whether the folder looks like one that `save` wrote."""
    return (_place(folder) / MANIFEST).is_file()


def _place(folder: Path | str) -> Path:
    return Path(folder).expanduser()


def _origin(pipeline: Pipeline) -> dict[str, dict[str, str]]:
    """Return where the weights came from, for the manifest; nothing if that is not known."""
    origin = pipeline.backbone.weights_origin() if isinstance(pipeline.backbone, TellsWeights) else {}
    return {"weights": origin} if origin else {}


def _add_calibration(folder: Path, calibration: Calibration | None, learnt: Iterable[LearntImage]) -> None:
    texts = {} if calibration is None else {CALIBRATION: as_json(calibration)}
    if images := list(learnt):
        texts[TRAINING] = as_csv(images)
    manifest = parsed_json((folder / MANIFEST).read_text(encoding="utf-8"))
    for name, text in texts.items():
        _write_text(folder / name, text)
        manifest["sha256"][name] = file_digest(folder / name)
    _write_manifest(manifest, folder)


def _write_manifest(manifest: Mapping[str, Any], folder: Path) -> None:
    _write_text(folder / MANIFEST, json.dumps(manifest, indent=2) + "\n")


def _write_text(path: Path, text: str) -> None:
    """Write the same bytes on every system, in which names of files that are not UTF-8 come back."""
    path.write_text(text, encoding="utf-8", errors="surrogateescape", newline="")


def _text(folder: Path, name: str) -> str | None:
    """Return the content of a file that not every model has, or None."""
    manifest = _read_manifest(folder)
    if name not in manifest["sha256"]:
        return None
    _require_whole(folder, name, manifest)
    with (folder / name).open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read()


def _require_whole(folder: Path, name: str, manifest: Mapping[str, Any]) -> None:
    if not (folder / name).is_file():
        raise BadModel(f'"{folder}" has no "{name}": it is not a whole model. Copy it again.')
    if file_digest(folder / name) != manifest["sha256"][name]:
        raise BadModel(f'"{folder / name}" has been altered or cut off (its sha256 differs).')


def _read_manifest(folder: Path) -> dict[str, Any]:
    if not (folder / MANIFEST).is_file():
        finish_left(folder)  # a run that was killed may have been about to replace its content
    if folder.is_file():
        raise BadModel(
            f'"{folder}" is not a model folder: it is a file. Exported ones are for inspect and serve.'
        )
    if not folder.is_dir():
        raise BadModel(f'"{folder}" is not a model folder: it does not exist.')
    try:
        manifest = parsed_json(_opening(folder / MANIFEST))
        format_version = int(manifest["format_version"])
    except FileNotFoundError:
        raise BadModel(f'"{folder}" is not a model folder: it has no "manifest.json".') from None
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise BadModel(f'"{folder / MANIFEST}" cannot be read: {error!r}.') from error
    if format_version > FORMAT_VERSION:
        raise BadModel(
            f'"{folder}" has format {format_version}, written by padimkit {manifest.get("padimkit")}; '
            f"this padimkit ({version('padimkit')}) reads up to format {FORMAT_VERSION}. Upgrade padimkit."
        )
    digests = manifest.get("sha256")
    known = {*_NEEDED, CALIBRATION, TRAINING}
    if not isinstance(digests, dict) or not set(_NEEDED) <= set(digests) <= known:
        raise BadModel(f'"{folder / MANIFEST}" does not list the files of the model.')
    origin = manifest.get("weights", {})
    if not isinstance(origin, dict) or not all(isinstance(text, str) for text in origin.values()):
        raise BadModel(f'"{folder / MANIFEST}" does not say in texts where the weights came from.')
    return manifest  # type: ignore[no-any-return]


def _opening(path: Path) -> str:
    """Return the text of a file up to one character more than a manifest may have."""
    with path.open(encoding="utf-8") as file:
        text = file.read(_MOST_MANIFEST + 1)
    if len(text) > _MOST_MANIFEST:
        raise ValueError(f"it has more than {_MOST_MANIFEST} characters")
    return text


def _needs(manifest: Mapping[str, Any]) -> str:
    try:
        packages = sorted({f"{p['distribution']} {p['version']}" for p in manifest["plugins"]})
    except (KeyError, TypeError):
        return ""
    return f" The model was made with: {', '.join(packages)}." if packages else ""
