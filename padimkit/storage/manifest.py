"""The manifest of a model folder, which lists its files with their digests, and says what made them."""

import json
from collections.abc import Mapping
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from padimkit.errors import BadModel
from padimkit.files import file_digest
from padimkit.files.json_text import parsed_json
from padimkit.files.left import finish_left
from padimkit.files.regular import regular

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
CALIBRATION = "calibration.json"
TRAINING = "training.csv"
_PLUGIN = ("family", "name", "distribution", "version")
NEEDED = ("config.yaml", "state.safetensors")
_MOST_MANIFEST = 10**6  # characters


def is_model(folder: Path | str) -> bool:
    """Return whether the folder looks like one that `save` wrote."""
    return (place(folder) / MANIFEST).is_file()


def load_manifest(folder: Path | str) -> dict[str, Any]:
    """Return the manifest of a stored model, all of whose files are as it says.

    Raises:
        BadModel: A file is missing or altered; the message names it.
    """
    manifest = read_manifest(place(folder))
    for name in manifest["sha256"]:
        _require_whole(place(folder), name, manifest)
    return manifest


def model_digest(folder: Path | str) -> str:
    """Return the sha256 that names a stored model: of the names and digests of its files, sorted by name.

    Raises:
        BadModel: The manifest cannot be read.
    """
    digests = read_manifest(place(folder))["sha256"]
    return sha256("".join(f"{name} {digests[name]}\n" for name in sorted(digests)).encode()).hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a stored model; its files are not looked at.

    Raises:
        BadModel: It is missing, or not as padimkit writes it.
    """
    if not (folder / MANIFEST).is_file():
        finish_left(folder)  # a run that was killed may have been about to replace its content
    if folder.is_file():
        raise BadModel(
            f'"{folder}" is not a model folder: it is a file. Of exported ones, inspect and serve take .onnx '
            "and .xml."
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
    known = {*NEEDED, CALIBRATION, TRAINING}
    if not isinstance(digests, dict) or not set(NEEDED) <= set(digests) <= known:
        raise BadModel(f'"{folder / MANIFEST}" does not list the files of the model.')
    origin = manifest.get("weights", {})
    if not isinstance(origin, dict) or not all(isinstance(text, str) for text in origin.values()):
        raise BadModel(f'"{folder / MANIFEST}" does not say in texts where the weights came from.')
    if not _are_plugins(manifest.get("plugins", [])):
        raise BadModel(f'"{folder / MANIFEST}" does not say in texts which plugins made the model.')
    return manifest  # type: ignore[no-any-return]


def _are_plugins(listed: Any) -> bool:
    return isinstance(listed, list) and all(
        isinstance(one, dict) and all(isinstance(one.get(key), str) for key in _PLUGIN) for one in listed
    )


def write_manifest(manifest: Mapping[str, Any], folder: Path) -> None:
    """Write the manifest into a model folder."""
    write_file(folder / MANIFEST, json.dumps(manifest, indent=2) + "\n")


def text_of(folder: Path, name: str) -> str | None:
    """Return the content of a file that not every model has, or None.

    Raises:
        BadModel: The manifest cannot be read, or the file is missing or altered.
    """
    manifest = read_manifest(folder)
    if name not in manifest["sha256"]:
        return None
    _require_whole(folder, name, manifest)
    with (folder / name).open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read()


def write_file(path: Path, text: str) -> None:
    """Write the same bytes on every system, in which names of files that are not UTF-8 come back."""
    path.write_text(text, encoding="utf-8", errors="surrogateescape", newline="")


def place(folder: Path | str) -> Path:
    """Return the path of a folder, in which "~" is the home."""
    return Path(folder).expanduser()


def _require_whole(folder: Path, name: str, manifest: Mapping[str, Any]) -> None:
    if not (folder / name).is_file():
        raise BadModel(f'"{folder}" has no "{name}": it is not a whole model. Copy it again.')
    if file_digest(folder / name) != manifest["sha256"][name]:
        raise BadModel(f'"{folder / name}" has been altered or cut off (its sha256 differs).')


def _opening(path: Path) -> str:
    """Return the text of a file up to one character more than a manifest may have."""
    with regular(path).open(encoding="utf-8") as file:
        text = file.read(_MOST_MANIFEST + 1)
    if len(text) > _MOST_MANIFEST:
        raise ValueError(f"it has more than {_MOST_MANIFEST} characters")
    return text
