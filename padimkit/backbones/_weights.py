"""Pretrained weights, read from timm's hub or from a file, and copied into a network."""

from collections.abc import Collection, Mapping
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from huggingface_hub import get_hf_file_metadata, hf_hub_url
from huggingface_hub.constants import HF_HUB_CACHE
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.file_download import repo_folder_name
from safetensors import SafetensorError, safe_open
from timm.models import load_state_dict
from torch import Tensor

from padimkit.backbones._timm_models import create_model, outline_of
from padimkit.errors import BadArgument, BadWeights, near_misses
from padimkit.files import file_digest
from padimkit.weights import OTHERS, find_weights

OPTION = "--pipeline.backbone.weights"
_PATIENCE = 10  # seconds until the hub must have answered a first time
LOADING = Lock()  # several threads may be the first to need the weights of one network


def download(model: str) -> dict[str, Tensor]:
    """Download the weights that timm publishes for a model; timm keeps a copy for the next time.

    Raises:
        BadWeights: They cannot be downloaded; the message says which file to fetch and how to use it.
    """
    try:
        _require_answer(model)
        tensors: dict[str, Tensor] = create_model(model, pretrained=True).state_dict()
    except Exception as error:
        raise BadWeights(
            f'The weights of "{model}" cannot be downloaded ({error}).{_by_hand(model)}'
        ) from error
    return tensors


def require_published(model: str) -> None:
    """Raise BadWeights if timm does not publish weights for a model, without asking the hub."""
    if _address(model) is None:
        raise BadWeights(f'The weights of "{model}" cannot be downloaded.{_by_hand(model)}')


def require_file(path: Path, model: str, needed: Collection[str]) -> None:
    """Raise BadWeights if the file does not exist, or is a .safetensors file without these tensors."""
    _require_there(path, model)
    if path.suffix == ".safetensors":  # the names of others cannot be read without the values
        try:
            with safe_open(path, "pt") as file:
                names = [name.removeprefix("module.") for name in file.keys()]  # noqa: SIM118
                _require_all(needed, dict.fromkeys(names), f'"{path}"')
        except (SafetensorError, OSError) as error:
            raise _unreadable(path, model, error) from error


def _require_there(path: Path, model: str) -> None:
    if path.is_dir():
        raise BadWeights(f'The weights "{path}" of "{model}" are a folder. Correct {OPTION}: name a file.')
    if not path.is_file():
        near = near_misses(str(path).lower(), ("hub", "installed", "none"))
        raise BadWeights(f'The weights "{path}" of "{model}" do not exist.{near} Correct {OPTION}.')


def require_name(weights: object) -> None:
    """Raise BadArgument if weights are named by anything but a text or a path."""
    if not isinstance(weights, str | Path):
        raise BadArgument(
            f'"weights" is {weights!r}: "installed" takes those of an installed package, {OTHERS}'
        )


def require_installed(model: str, wanted: str) -> None:
    """Raise BadWeights if no installed package has the weights of a model, without reading them."""
    find_weights(model, wanted).path()


def read_installed(model: str, wanted: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors of a model that an installed package carries, under timm's names, and their origin.

    Raises:
        BadWeights: There are none, they were altered, or they are not exactly those of the model.
    """
    weights = find_weights(model, wanted)
    tensors = weights.renamed(read(weights.verified(), model))
    expected, origin = outline_of(model).shapes, f'"{weights.card.name}" of {weights.provider}'
    missing = sorted(expected.keys() - tensors.keys())
    unknown = sorted(tensors.keys() - expected.keys())
    if missing or unknown:
        raise BadWeights(
            f'The weights that {origin} describes are not those of "{model}": after its "rename" they lack '
            f"{_some(missing)}, and have {_some(unknown)} too much."
        )
    for name, shape in expected.items():
        if tuple(tensors[name].shape) != shape:
            raise BadWeights(
                f'The weights that {origin} describes are not those of "{model}": "{name}" has the shape '
                f"{tuple(tensors[name].shape)}, expected {shape}."
            )
    return tensors, weights.origin


def origin_of_hub(model: str) -> dict[str, str]:
    """Return the words by which a stored model says that its weights were downloaded."""
    return {"source": "hub", "file": _address(model) or "unknown"}


def origin_of_file(path: Path) -> dict[str, str]:
    """Return the words by which a stored model says that it was made with a file."""
    return {"source": "file", "file": str(path), "sha256": file_digest(path)}


def read(path: Path, model: str) -> dict[str, Tensor]:
    """Return the tensors of a .safetensors file, or of a .pth file without running any code that it holds.

    Raises:
        BadWeights: The file is missing or broken, or holds anything but tensors.
    """
    _require_there(path, model)
    try:
        content = load_state_dict(str(path), weights_only=True)
    except Exception as error:
        # timm's own message may advise to read the file without protection, so it is only the cause here.
        raise _unreadable(path, model, error) from error
    return {name: tensor for name, tensor in content.items() if isinstance(tensor, Tensor)}


def load_into(needed: dict[str, Tensor], given: dict[str, Tensor], origin: str) -> None:
    """Copy the given tensors into those needed, by name; all others are ignored.

    Raises:
        BadWeights: A tensor is missing or has another shape; then nothing is copied.
    """
    _require_all(needed, given, origin)
    for name, tensor in needed.items():
        if tensor.shape != given[name].shape:
            raise BadWeights(
                f'{origin} has "{name}" of shape {tuple(given[name].shape)}, expected {tuple(tensor.shape)}.'
            )
        if tensor.is_floating_point() != given[name].is_floating_point():
            raise BadWeights(f'{origin} has "{name}" of {given[name].dtype}, expected {tensor.dtype}.')
        if not torch.isfinite(given[name]).all():
            raise BadWeights(f'{origin} has "{name}" with NaN or infinity.')
    for name, tensor in needed.items():
        tensor.copy_(given[name])


def _unreadable(path: Path, model: str, error: Exception) -> BadWeights:
    return BadWeights(
        f'"{path}" cannot be read as the weights of "{model}" ({type(error).__name__}). '
        "Expected a whole .safetensors file, or a .pth file that holds nothing but tensors."
    )


def _require_all(needed: Collection[str], given: Collection[str], origin: str) -> None:
    missing = [name for name in needed if name not in given]
    if missing:
        raise BadWeights(
            f"{origin} lacks {len(missing)} of the {len(needed)} tensors that the layers need, "
            f"such as {_some(missing)}; it has {_some(list(given))}."
        )


def _require_answer(model: str) -> None:
    """Ask the hub once for a file of which it has kept nothing here: timm would ask for a minute, in vain."""
    published = outline_of(model).published
    repository = str(published.get("hf_hub_id") or "").partition("@")[0]
    if not repository or _is_kept(repository):
        return
    try:
        get_hf_file_metadata(hf_hub_url(repository, _file_name(published)), timeout=_PATIENCE)
    except HfHubHTTPError:  # it has answered, and timm may know of other files there
        return


def _is_kept(repository: str) -> bool:
    """Return whether an earlier download of files of this repository is on this machine."""
    folder = Path(HF_HUB_CACHE) / repo_folder_name(repo_id=repository, repo_type="model")
    return any((folder / "snapshots").glob("*/*"))


def _file_name(published: Mapping[str, Any]) -> str:
    return published.get("hf_hub_filename") or "model.safetensors"


def _by_hand(model: str) -> str:
    address = _address(model)
    if address is None:
        return f" timm publishes none; give a file of your own with {OPTION} PATH."
    return (
        f" On a machine with internet access fetch {address}, copy it anywhere on this one, "
        f"and say where with {OPTION} PATH."
    )


def _address(model: str) -> str | None:
    published = outline_of(model).published
    if published.get("hf_hub_id"):
        return f"https://huggingface.co/{published['hf_hub_id']}/resolve/main/{_file_name(published)}"
    return published.get("url") or None


def _some(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names[:3]) if names else "nothing"
