"""Published weights of the encoder, from a file of safetensors.

Apart from the encoder: a file that anybody may have written is checked before it is used.
"""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from padimkit import BadWeights
from padimkit_cavga.encoder import Encoder


def load_weights(encoder: Encoder, path: Path) -> None:
    """Load the weights of a ResNet18 with the names of torchvision and timm; names of later layers are left.

    Raises:
        BadWeights: The file cannot be read, lacks a tensor, or has one of another shape or with NaN.
    """
    try:
        found = load_file(path)
    except (SafetensorError, OSError) as error:
        raise BadWeights(f'"{path}" cannot be read as safetensors: {error}.') from error
    needed = encoder.state_dict()
    for name, tensor in needed.items():
        if name not in found:
            raise BadWeights(
                f'"{path}" lacks "{name}" of a ResNet18. Use a file of all stages, or fewer "stages".'
            )
        if found[name].shape != tensor.shape:
            raise BadWeights(
                f'"{path}" has "{name}" of shape {tuple(found[name].shape)}; expected {tuple(tensor.shape)}. '
                'Published weights have a "width" of 64 and 3 channels.'
            )
        if not torch.isfinite(found[name]).all():
            raise BadWeights(f'"{path}" has "{name}" with NaN or infinity.')
    encoder.load_state_dict({name: found[name] for name in needed})
