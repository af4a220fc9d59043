"""The cards that packages of weights carry: YAML files, named after models, that describe a file of weights.

Apart from the weights, since reading YAML and refusing what is wrong in it is a matter of its own.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from padimkit.errors import BadWeights, did_you_mean
from padimkit.weights.weights import InstalledWeights

_NEEDED = ("about", "file", "sha256")
_MOST_BYTES = 1 << 16  # ours have a twentieth of it; YAML takes a second for ten times as much
_KEYS = (*_NEEDED, "distribution", "install", "rename")


def read_card(card: Path, provider: str) -> InstalledWeights:
    """Return the weights that a card describes, whether or not their file is there.

    Args:
        card: A YAML file with the keys `about`, `file`, `sha256` and, where they are needed, `distribution`,
            `install` and `rename`.
        provider: The distribution of the card.

    Raises:
        BadWeights: The card cannot be read, is too large, lacks a key, or has a wrong one; the message names
            file and key.
    """
    content = _mapping(card)
    for key in content:
        if key not in _KEYS:
            raise BadWeights(f'The card "{card}" has an unknown key "{key}".{did_you_mean(str(key), _KEYS)}')
    for key in _NEEDED:
        if key not in content:
            raise BadWeights(f'The card "{card}" lacks the key "{key}". It needs {", ".join(_NEEDED)}.')
    rename = content.pop("rename", {})
    wrong = [key for key, value in content.items() if not isinstance(value, str)]
    if not isinstance(rename, Mapping) or not all(
        isinstance(p, str) for pair in rename.items() for p in pair
    ):
        wrong.append("rename")
    if wrong:
        expected = "names and what stands for them" if wrong[0] == "rename" else "a text"
        raise BadWeights(f'The key "{wrong[0]}" of the card "{card}" is not {expected}.')
    if not re.fullmatch(r"[0-9a-fA-F]{64}", content["sha256"]):
        raise BadWeights(f'The key "sha256" of the card "{card}" is not 64 hexadecimal digits.')
    content["sha256"] = content["sha256"].lower()
    return InstalledWeights(card, provider, rename=tuple(rename.items()), **content)


def _mapping(card: Path) -> dict[str, Any]:
    try:
        if card.exists() and not card.is_file():  # to open a pipe would wait for its writer
            raise BadWeights(f'The card "{card}" is not a file.')
        with card.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise BadWeights(f'The card "{card}" is larger than {_MOST_BYTES} bytes.')
        content = yaml.safe_load(text.decode("utf-8"))
    except (
        OSError,
        ValueError,
        RecursionError,
        yaml.YAMLError,
    ) as error:  # dates, long numbers, deep nesting
        reason = " ".join(str(error).split())
        raise BadWeights(f'The card "{card}" cannot be read as YAML: {reason}') from error
    if not isinstance(content, dict):
        raise BadWeights(f'The card "{card}" does not hold keys and values.')
    return content
