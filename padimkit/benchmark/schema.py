"""The JSON schema of a record's file, as the dataclasses of records have it.

It stands alone because the store checks by these types itself, and needs no schema.
"""

from dataclasses import fields, is_dataclass
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from docstring_parser import parse

from padimkit.benchmark.record import FORMAT, Record
from padimkit.benchmark.store import is_required

_PLAIN = {int: "integer", float: "number", str: "string", bool: "boolean"}


def record_schema() -> dict[str, Any]:
    """Return the schema of a file of this version's format, with the description of each field."""
    definitions: dict[str, Any] = {}
    record = _object(Record, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Record of padimkit, format {FORMAT}",
        **record,
        "properties": {"format": {"const": FORMAT}, **record["properties"]},
        "required": ["format", *record["required"]],
        "$defs": definitions,
    }


def _object(kind: type[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    docstring = parse(kind.__doc__ or "")
    told = {one.arg_name: " ".join((one.description or "").split()) for one in docstring.params}
    hints = get_type_hints(kind)
    properties = {
        field.name: _described(_schema(hints[field.name], definitions), told.get(field.name, ""))
        for field in fields(kind)
    }
    return {
        "description": docstring.short_description,
        "type": "object",
        "properties": properties,
        "required": [field.name for field in fields(kind) if is_required(field)],
        "additionalProperties": False,
    }


def _described(schema: dict[str, Any], text: str) -> dict[str, Any]:
    return {"description": text, **schema} if text else schema


def _schema(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    inner = get_args(kind)
    if kind is Any:
        return {}
    if is_dataclass(kind):
        assert isinstance(kind, type)
        if kind.__name__ not in definitions:
            definitions[kind.__name__] = {}  # its place in the order
            definitions[kind.__name__] |= _object(kind, definitions)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    if get_origin(kind) is dict:
        return {"type": "object", "additionalProperties": _schema(inner[1], definitions)}
    if get_origin(kind) is tuple:
        return {"type": "array", "items": _schema(inner[0], definitions)}
    if get_origin(kind) is Literal:
        return {"enum": list(inner)}
    if NoneType in inner:
        known = next(one for one in inner if one is not NoneType)
        return {"anyOf": [_schema(known, definitions), {"type": "null"}]}
    return {"type": _PLAIN[kind]}
