"""The models of timm by name, refused where unknown, and the same every time."""

import difflib
from typing import Any

import timm
import torch
from torch import nn

from padimkit.errors import BadArgument

INITIAL_SEED = 0


def create_model(model: str, **options: Any) -> nn.Module:
    """The model as timm makes it; torch's own random numbers are neither used nor disturbed.

    Raises:
        BadArgument: timm has no model of this name.
    """
    _refuse_unknown(model)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(INITIAL_SEED)  # torch.manual_seed would reseed the GPUs too
        network: nn.Module = timm.create_model(model, **options)
    return network


def _refuse_unknown(model: str) -> None:
    known = [*timm.list_models(), *timm.list_models(pretrained=True)]
    deprecated = "." not in model and timm.is_model(model)
    if model not in known and not deprecated:
        near = ", ".join(f'"{name}"' for name in difflib.get_close_matches(model, known, n=5))
        meant = f" Did you mean {near}?" if near else ""
        raise BadArgument(f'timm has no model "{model}".{meant} timm.list_models() lists all.')
