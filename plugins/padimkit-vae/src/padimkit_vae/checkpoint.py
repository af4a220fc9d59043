"""The file from which an interrupted training can continue."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from padimkit import BadArgument, BadData, BadModel
from padimkit.files import new_file
from padimkit_vae.training import Training

FORMAT = "padimkit-vae checkpoint 1"


@contextmanager
def resumed(
    training: Training, path: Path | None, *, arguments: Mapping[str, Any], data: Mapping[str, Any]
) -> Iterator[Callable[[], None]]:
    """Restore the training from the file at `path`, and yield a function that writes the file again.

    The file is removed at the end of the block unless there was an error. If it does not exist, it is written
    at once, so that an unusable path is known before the first epoch. If `path` is None, no file is used.

    Args:
        training: A fresh one.
        path: The path of the file.
        arguments: Arguments that the training depends on; must be the same in the file.
        data: Known facts about the images; must be the same in the file.

    Raises:
        BadModel: The file is damaged, or is not a checkpoint.
        BadArgument: It was written by a training with other arguments.
        BadData: It was written by a training on other images.
        BadOutput: It cannot be written.
    """
    if path is None:
        yield lambda: None
        return

    def write() -> None:
        _write(path, training, {"arguments": dict(arguments), "data": dict(data)})

    if path.exists():
        _resume(path, training, arguments, data)
    else:
        write()
    yield write
    path.unlink()


def digest(tensors: Mapping[str, Tensor], text: str = "") -> str:
    """Return a hash of all names, all values and a text."""
    found = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        found.update(name.encode())
        found.update(tensors[name].cpu().contiguous().numpy().data)
    return found.hexdigest()


def _write(path: Path, training: Training, facts: dict[str, Any]) -> None:
    state = {name: tensor.cpu().contiguous() for name, tensor in training.state_dict().items()}
    text = json.dumps(facts | {"epochs": training.epochs, "images": training.images})
    metadata = {"format": FORMAT, "facts": text, "sha256": digest(state, text)}
    with new_file(path, overwrite=True) as staging:
        try:
            save_file(state, staging, metadata=metadata)
        except SafetensorError as error:  # a full disk, which is an OSError for all other files
            raise OSError(str(error)) from error


def _resume(path: Path, training: Training, arguments: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    state, facts = _read(path)
    if changes := _changes(facts["arguments"], arguments):
        raise BadArgument(f'"{path}" was written by a training with {changes}. {_ADVICE.format("arguments")}')
    if changes := _changes(facts["data"], data):
        raise BadData(
            f'"{path}" was written by a training on other images: {changes}. {_ADVICE.format("images")}'
        )
    training.load_state_dict(state, epochs=facts["epochs"], images=facts["images"])


_ADVICE = "Use the same {} to continue from it; to start afresh, remove the file or choose another path."


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise BadModel(f'"{path}" cannot be read as a checkpoint: {error}. {_REMOVE}') from error
    if metadata.get("format") != FORMAT:
        found = metadata.get("format", "no format")
        raise BadModel(
            f'"{path}" is not a checkpoint of this Vae: expected "{FORMAT}", found "{found}". {_REMOVE}'
        )
    text = metadata.get("facts", "")
    if metadata.get("sha256") != digest(state, text):
        raise BadModel(f'"{path}" has been altered (its sha256 differs). {_REMOVE}')
    return state, json.loads(text)


_REMOVE = "Remove it to start afresh, or choose another path."


def _changes(stored: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {stored.get(name)} instead of {value}"
        for name, value in given.items()
        if stored.get(name) != value
    )
