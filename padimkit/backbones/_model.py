"""The models of timm by name, refused where unknown, and the same every time."""

import difflib
from functools import partial
from typing import Any

import timm
from torch import nn

from padimkit.backbones._seeded import made_alike
from padimkit.errors import BadArgument


def create_model(model: str, **options: Any) -> nn.Module:
    """The model as timm makes it.

    Raises:
        BadArgument: timm has no model of this name.
    """
    _refuse_unknown(model)
    return made_alike(partial(timm.create_model, model, **options))


def _refuse_unknown(model: str) -> None:
    known = [*timm.list_models(), *timm.list_models(pretrained=True)]
    deprecated = "." not in model and timm.is_model(model)
    if model not in known and not deprecated:
        near = ", ".join(f'"{name}"' for name in difflib.get_close_matches(model, known, n=5))
        meant = f" Did you mean {near}?" if near else ""
        raise BadArgument(f'timm has no model "{model}".{meant} timm.list_models() lists all.')
