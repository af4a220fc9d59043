"""The file in which a training waits for being continued."""

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
    """Brings the training to where the file at `path` was written, and gives a function that writes it anew.

    The file is removed at the end of the block unless there was an error. Where there is none, it is written
    at once, so that a path that cannot be used is known before the first epoch. None stands for no file.

    Args:
        training: A fresh one.
        path: Where the file is, or is to be.
        arguments: What the training depends on; must be the same in the file.
        data: What is known about the images; must be the same in the file.

    Raises:
        BadModel: The file is damaged, or no checkpoint.
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
    """A hash of all names and values, and of a text."""
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
        except SafetensorError as error:  # a full disk, which for all other files is an OSError
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


_ADVICE = "Use the same {} to go on with it; to start afresh, remove the file or choose another path."


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
            f'"{path}" is no checkpoint of this Vae: expected "{FORMAT}", found "{found}". {_REMOVE}'
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
