"""The model folder of a fitted pipeline: manifest.json, config.yaml, state.safetensors; no pickle."""

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from padimkit.config.build import build_pipeline
from padimkit.config.description import describe, plugins_of
from padimkit.config.yaml_file import read_yaml
from padimkit.errors import BadModel, PadimkitError, UntrustedClass
from padimkit.files import new_folder
from padimkit.pipeline.pipeline import Pipeline

FORMAT_VERSION = 1
MANIFEST = "manifest.json"


def save(pipeline: Pipeline, folder: Path | str, *, overwrite: bool = False) -> None:
    """Write a fitted pipeline with the weights of its backbone into a folder that needs no other file.

    Raises:
        BadOutput: The folder exists and `overwrite` is false, or cannot be written; nothing is left behind.
        NotFitted: The pipeline has not been fitted.
    """
    with new_folder(Path(folder), overwrite=overwrite, marker=MANIFEST) as staging:
        write_model(pipeline, staging)


def write_model(pipeline: Pipeline, folder: Path) -> None:
    """Write the files of a model into an empty folder."""
    config = {"pipeline": describe(pipeline)}
    state = {name: tensor.cpu().contiguous() for name, tensor in pipeline.state_dict().items()}
    try:
        save_file(state, folder / "state.safetensors")
    except SafetensorError as error:  # a full disk, which is an OSError for all other files
        raise OSError(str(error)) from error
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    manifest = {
        "format_version": FORMAT_VERSION,
        "padimkit": version("padimkit"),
        "plugins": plugins_of(pipeline),
        "sha256": {name: _sha256(folder / name) for name in ("config.yaml", "state.safetensors")},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")


def load(folder: Path | str, *, device: str = "cpu", trust: bool = False) -> Pipeline:
    """Return the fitted pipeline from a folder that `save` wrote.

    Args:
        folder: The model folder.
        device: The device to compute on.
        trust: Also import classes that are not installed plugins; their code runs.

    Raises:
        BadModel: The folder is incomplete, altered, of a newer format, or names a plugin that is missing.
    """
    folder = Path(folder)
    manifest = _read_manifest(folder)
    for name, digest in manifest["sha256"].items():
        if not (folder / name).is_file():
            raise BadModel(f'"{folder}" has no "{name}": it is not a whole model. Copy it again.')
        if _sha256(folder / name) != digest:
            raise BadModel(f'"{folder / name}" has been altered or cut off (its sha256 differs).')
    try:
        pipeline = build_pipeline(read_yaml(folder / "config.yaml").get("pipeline"), dotted=trust)
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
    pipeline.to(device)
    return pipeline


def is_model(folder: Path | str) -> bool:
    """Return whether the folder looks like one that `save` wrote."""
    return (Path(folder) / MANIFEST).is_file()


def _read_manifest(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise BadModel(f'"{folder}" is not a model folder: it does not exist.')
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        format_version = int(manifest["format_version"])
    except FileNotFoundError:
        raise BadModel(f'"{folder}" is not a model folder: it has no "manifest.json".') from None
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise BadModel(f'"{folder / MANIFEST}" cannot be read: {error!r}.') from error
    if format_version > FORMAT_VERSION:
        raise BadModel(
            f'"{folder}" has format {format_version}, written by padimkit {manifest.get("padimkit")}; '
            f"this padimkit ({version('padimkit')}) reads up to format {FORMAT_VERSION}. Upgrade padimkit."
        )
    digests = manifest.get("sha256")
    if not isinstance(digests, dict) or set(digests) != {"config.yaml", "state.safetensors"}:
        raise BadModel(f'"{folder / MANIFEST}" does not list the files of the model.')
    return manifest  # type: ignore[no-any-return]


def _needs(manifest: Mapping[str, Any]) -> str:
    try:
        packages = sorted({f"{p['distribution']} {p['version']}" for p in manifest["plugins"]})
    except (KeyError, TypeError):
        return ""
    return f" The model was made with: {', '.join(packages)}." if packages else ""


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()
