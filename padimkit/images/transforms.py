"""Transforms of torchvision from their Python source, which can hold nothing else.

Apart from augmentation, since torchvision takes a second to import.
"""

import ast
from difflib import get_close_matches
from typing import Any

from torchvision.transforms import v2

from padimkit.errors import BadArgument


def transform_of(text: str) -> v2.Transform:
    """Return the transform of torchvision.transforms.v2 for a text such as "RandomRotation(degrees=2)".

    Arguments are numbers, texts, lists, and transforms such as those in "RandomApply([...], p=0.3)".

    Raises:
        BadArgument: The text does not make a transform; the message says why.
    """
    try:
        made = _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, TypeError, KeyError, RecursionError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else error
        raise BadArgument(f'The transform "{text}" cannot be made: {reason}.') from error
    if not isinstance(made, v2.Transform):
        raise BadArgument(f'"{text}" is not a transform. Expected one such as "RandomRotation(degrees=2)".')
    return made


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Call):
        keywords = {keyword.arg: _value(keyword.value) for keyword in node.keywords if keyword.arg}
        if len(keywords) < len(node.keywords):
            raise ValueError('"**" cannot be used here')
        return _class(ast.unparse(node.func))(*[_value(argument) for argument in node.args], **keywords)
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "InterpolationMode":
        return v2.InterpolationMode[node.attr]
    return ast.literal_eval(node)


def _class(name: str) -> type[v2.Transform]:
    known = {
        known: found
        for known, found in vars(v2).items()
        if isinstance(found, type) and issubclass(found, v2.Transform)
    }
    if name not in known:
        near = get_close_matches(name, known, n=3)
        hint = f"; did you mean {' or '.join(near)}" if near else ""
        raise ValueError(f'torchvision.transforms.v2 has no "{name}"{hint}')
    return known[name]
