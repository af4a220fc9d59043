"""The file from which an interrupted training can continue.

Plugins may import the names here.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.optim import Optimizer

from padimkit.errors import BadArgument, BadData, BadModel
from padimkit.files import new_file


class Resumable(ABC):
    """A training that can be stored after each epoch, and continued as if it had not been interrupted."""

    epochs: int = 0  # that are complete
    images: int = 0  # in each of them

    @abstractmethod
    def state_dict(self) -> dict[str, Tensor]:
        """Return all that the next epoch depends on."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Tensor], *, epochs: int, images: int) -> None:
        """Continue from a state that `state_dict` returned after this many epochs over this many images."""


@contextmanager
def resumed(
    training: Resumable,
    path: Path | None,
    *,
    kind: str,
    arguments: Mapping[str, Any],
    data: Mapping[str, Any],
) -> Iterator[Callable[[], None]]:
    """Restore the training from the file at `path`, and yield a function that writes the file again.

    The file is removed at the end of the block unless there was an error. If it does not exist, it is written
    at once, so that an unusable path is known before the first epoch. If `path` is None, no file is used.

    Args:
        training: A fresh one.
        path: The path of the file.
        kind: The package that trains and the version of its checkpoints, such as "padimkit-vae checkpoint 1";
            must be the same in the file.
        arguments: Arguments that the training depends on; must be the same in the file.
        data: Known facts about the images; must be the same in the file.

    Raises:
        BadModel: The file is damaged, or is not a checkpoint of this kind.
        BadArgument: It was written by a training with other arguments.
        BadData: It was written by a training on other images.
        BadOutput: It cannot be written.
    """
    if path is None:
        yield lambda: None
        return

    def write() -> None:
        _write(path, training, kind, {"arguments": dict(arguments), "data": dict(data)})

    if path.exists():
        _resume(path, training, kind, arguments, data)
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


def optimizer_state(optimizer: Optimizer) -> dict[str, Tensor]:
    """Return what the optimizer remembers of each parameter, as named tensors."""
    memory = optimizer.state_dict()["state"]
    return {f"{index}/{name}": value for index, known in memory.items() for name, value in known.items()}


def load_optimizer_state(optimizer: Optimizer, state: Mapping[str, Tensor]) -> None:
    """Let the optimizer continue from what `optimizer_state` returned."""
    memory: dict[int, dict[str, Tensor]] = {}
    channels_last = {
        index: parameter.ndim == 4 and parameter.is_contiguous(memory_format=torch.channels_last)
        for index, parameter in enumerate(_parameters(optimizer))
    }
    for name, tensor in state.items():
        number, _, key = name.partition("/")
        index = int(number)
        is_last = tensor.ndim == 4 and channels_last[index]
        layout = torch.channels_last if is_last else torch.preserve_format  # as the weights: the same sums
        memory.setdefault(index, {})[key] = tensor.to(memory_format=layout)
    optimizer.load_state_dict({"state": memory, "param_groups": optimizer.state_dict()["param_groups"]})


def under(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors whose names begin with the prefix, by what follows it."""
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}


def _parameters(optimizer: Optimizer) -> Iterator[Tensor]:
    for group in optimizer.param_groups:
        yield from group["params"]


def _write(path: Path, training: Resumable, kind: str, facts: dict[str, Any]) -> None:
    state = {name: tensor.cpu().contiguous() for name, tensor in training.state_dict().items()}
    text = json.dumps(facts | {"epochs": training.epochs, "images": training.images})
    metadata = {"format": kind, "facts": text, "sha256": digest(state, text)}
    with new_file(path, overwrite=True) as staging:
        try:
            save_file(state, staging, metadata=metadata)
        except SafetensorError as error:  # a full disk, which is an OSError for all other files
            raise OSError(str(error)) from error


def _resume(
    path: Path, training: Resumable, kind: str, arguments: Mapping[str, Any], data: Mapping[str, Any]
) -> None:
    state, facts = _read(path, kind)
    if changes := _changes(facts["arguments"], arguments):
        raise BadArgument(f'"{path}" was written by a training with {changes}. {_ADVICE.format("arguments")}')
    if changes := _changes(facts["data"], data):
        raise BadData(
            f'"{path}" was written by a training on other images: {changes}. {_ADVICE.format("images")}'
        )
    training.load_state_dict(state, epochs=facts["epochs"], images=facts["images"])


_ADVICE = "Use the same {} to continue from it; to start afresh, remove the file or choose another path."


def _read(path: Path, kind: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise BadModel(f'"{path}" cannot be read as a checkpoint: {error}. {_REMOVE}') from error
    if metadata.get("format") != kind:
        found = metadata.get("format", "no format")
        raise BadModel(
            f'"{path}" is not a checkpoint of this training: expected "{kind}", found "{found}". {_REMOVE}'
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
