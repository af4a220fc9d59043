"""Images and weights of the whole job: real ones if they are present, else drawn and random ones."""

import tempfile
from pathlib import Path

SHARED = Path(__file__).resolve().parents[3] / "shared"  # beside the checkout; may not be redistributed
TILES = SHARED / "data" / "magnetic_tile"
WEIGHTS = SHARED / "weights" / "resnet18_stem_to_layer3.safetensors"
KEEP = 100
CHANNELS = 448  # of layer1, layer2 and layer3 of ResNet18


def prepare(
    folder: str, *, real: bool = True, train_images: int = 60, test_images: int = 15
) -> dict[str, str | list[int]]:
    """Return the inputs of both programs: a category in the layout of MVTec AD, weights, and channels.

    Args:
        folder: The folder for drawn images and random weights.
        real: Use the real images and weights if they are present.
        train_images: Number of training images to draw otherwise.
        test_images: Number of test images of each of five kinds to draw otherwise.
    """
    if real and TILES.is_dir() and WEIGHTS.is_file():
        return {"category": str(TILES / "tile"), "weights": str(WEIGHTS), "channels": _channels()}
    return {
        "category": _drawn(Path(folder), train_images, test_images),
        "weights": _random_weights(Path(folder)),
        "channels": _channels(),
    }


def _drawn(folder: Path, train_images: int, test_images: int) -> str:
    from padimkit import Synthetic

    root = Path(tempfile.mkdtemp(dir=folder))
    Synthetic(root, train_images=train_images, test_images=test_images).train()
    return str(root / "texture")


def _random_weights(folder: Path) -> str:
    import timm
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    path = folder / "random_resnet18.safetensors"
    save_file(timm.create_model("resnet18", pretrained=False).state_dict(), path)
    return str(path)


def _channels() -> list[int]:
    """Return the channels that padimkit's recipe keeps, so that both programs keep the same."""
    import torch

    from padimkit import Embedding, RandomChannels

    numbered = Embedding(torch.arange(CHANNELS, dtype=torch.float32).reshape(1, CHANNELS, 1, 1))
    reducer = RandomChannels(KEEP, seed=0)
    reducer.fit([numbered])
    return [int(number) for number in reducer.transform(numbered).patches.flatten()]
