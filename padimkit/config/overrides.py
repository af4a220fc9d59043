"""Values by key that replace those in a pipeline's settings, as options on the command line do."""

import inspect
from collections.abc import Mapping
from typing import Any, get_type_hints

from padimkit.config.class_paths import ANYTHING, Expansion
from padimkit.config.names import as_part, find_class, is_slot
from padimkit.pipeline.pipeline import Pipeline

PIPELINE_HINTS = {name: hint for name, hint in get_type_hints(Pipeline.__init__).items() if name != "return"}
_SLOTS = {name: hint for name, hint in PIPELINE_HINTS.items() if is_slot(hint)}


def overridden(
    pipeline: Mapping[str, Any], overrides: Mapping[str, Any], expansion: Expansion = ANYTHING
) -> dict[str, Any]:
    """Return the settings of a pipeline with these values put in; a later one wins over an earlier one.

    A new part keeps those arguments of the part that it replaces which it takes too.

    Args:
        pipeline: By argument of `Pipeline`.
        overrides: By dotted key within them, such as `reducer` or `reducer.keep`.
        expansion: Says which classes may be named by dotted paths.

    Raises:
        UnknownPlugin: A name is not registered.
        BrokenPlugin: A part cannot be imported.
        UntrustedClass: A class is named that the expansion does not allow.
    """
    settings = dict(pipeline)
    for key, value in overrides.items():
        name, *below = key.removesuffix(".class_path").split(".")
        old = settings.get(name)
        if not below:
            expansion.value(value, PIPELINE_HINTS.get(name), f"pipeline.{name}")  # before it is imported
        settings[name] = _placed(old, below, value) if below else _replaced(old, value, _SLOTS.get(name))
    return settings


def _placed(old: Any, key: list[str], value: Any) -> Any:
    """Return the old value with a new one put in below it, at the place that the key names."""
    if not key:
        return value
    if isinstance(old, str):
        old = {"class_path": old}
    if not isinstance(old, Mapping):
        old = {}
    if "class_path" in old and key[0] != "init_args":
        key = ["init_args", *key]
    return {**old, key[0]: _placed(old.get(key[0]), key[1:], value)}


def _replaced(old: Any, new: Any, slot: type[Any] | None) -> Any:
    """Return the new part or group of values, with those values of the old one that it keeps."""
    if slot is None:
        return {**old, **new} if isinstance(old, Mapping) and isinstance(new, Mapping) else new
    old, part = as_part(old, slot), as_part(new, slot)
    if not (_is_part(old) and _is_part(part)):
        return new
    takes = inspect.signature(find_class(part["class_path"], slot)[1]).parameters
    kept = {name: value for name, value in (old.get("init_args") or {}).items() if name in takes}
    own = part.get("init_args") or {}
    return {**part, "init_args": {**kept, **own} if isinstance(own, Mapping) else own}


def _is_part(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("class_path"), str)
