"""Pretrained weights, read from timm's hub or from a file, and copied into a network."""

from pathlib import Path
from threading import Lock

from timm.models import load_state_dict
from torch import Tensor

from padimkit.backbones._timm_models import Outline, create_model
from padimkit.errors import BadWeights
from padimkit.weights import find_weights

OPTION = "--pipeline.backbone.weights"
LOADING = Lock()  # several threads may be the first to need the weights of one network


def download(model: str) -> dict[str, Tensor]:
    """Download the weights that timm publishes for a model; timm keeps a copy for the next time.

    Raises:
        BadWeights: They cannot be downloaded; the message says which file to fetch and how to use it.
    """
    try:
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


def require_file(path: Path, model: str) -> None:
    """Raise BadWeights if the file does not exist."""
    if not path.is_file():
        raise BadWeights(f'The weights "{path}" of "{model}" do not exist. Correct {OPTION}.')


def require_installed(model: str, wanted: str) -> None:
    """Raise BadWeights if no installed package has the weights of a model, without reading them."""
    find_weights(model, wanted).path()


def read_installed(model: str, wanted: str) -> dict[str, Tensor]:
    """Return the tensors of a model that an installed package carries, under their names in timm.

    Raises:
        BadWeights: There are none, they were altered, or they are not exactly those of the model.
    """
    weights = find_weights(model, wanted)
    tensors = weights.renamed(read(weights.verified(), model))
    expected, origin = set(Outline(model).keys), f'"{weights.card.name}" of {weights.provider}'
    missing, unknown = sorted(expected - tensors.keys()), sorted(tensors.keys() - expected)
    if missing or unknown:
        raise BadWeights(
            f'The weights that {origin} describes are not those of "{model}": after its "rename" they lack '
            f"{_some(missing)}, and have {_some(unknown)} too much."
        )
    return tensors


def read(path: Path, model: str) -> dict[str, Tensor]:
    """Return the tensors of a .safetensors file, or of a .pth file without running any code that it holds.

    Raises:
        BadWeights: The file is missing or broken, or holds anything but tensors.
    """
    require_file(path, model)
    try:
        content = load_state_dict(str(path), weights_only=True)
    except Exception as error:
        # timm's own message may advise to read the file without protection, so it is only the cause here.
        raise BadWeights(
            f'"{path}" cannot be read as the weights of "{model}" ({type(error).__name__}). '
            "Expected a whole .safetensors file, or a .pth file that holds nothing but tensors."
        ) from error
    return {name: tensor for name, tensor in content.items() if isinstance(tensor, Tensor)}


def load_into(needed: dict[str, Tensor], given: dict[str, Tensor], origin: str) -> None:
    """Copy the given tensors into those needed, by name; all others are ignored.

    Raises:
        BadWeights: A tensor is missing or has another shape; then nothing is copied.
    """
    missing = [name for name in needed if name not in given]
    if missing:
        raise BadWeights(
            f"{origin} lacks {len(missing)} of the {len(needed)} tensors that the layers need, "
            f"such as {_some(missing)}; it has {_some(list(given))}."
        )
    for name, tensor in needed.items():
        if tensor.shape != given[name].shape:
            raise BadWeights(
                f'{origin} has "{name}" of shape {tuple(given[name].shape)}, expected {tuple(tensor.shape)}.'
            )
    for name, tensor in needed.items():
        tensor.copy_(given[name])


def _by_hand(model: str) -> str:
    address = _address(model)
    if address is None:
        return f" timm publishes none; give a file of your own with {OPTION} PATH."
    return (
        f" On a machine with internet access fetch {address}, copy it anywhere on this one, "
        f"and say where with {OPTION} PATH."
    )


def _address(model: str) -> str | None:
    published = Outline(model).published
    if published.get("hf_hub_id"):
        name = published.get("hf_hub_filename") or "model.safetensors"
        return f"https://huggingface.co/{published['hf_hub_id']}/resolve/main/{name}"
    return published.get("url") or None


def _some(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names[:3]) if names else "nothing"
