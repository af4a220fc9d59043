"""Parts of a pipeline of which one class is the usual one: settings write its arguments alone.

So the map is `{sigma: 4.0}` for most people, and an option of its own on the command line, and the part of a
plugin, by `class_path`, for others.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from jsonargparse import ArgumentParser

from padimkit.config.names import USUAL, short_name
from padimkit.config.overrides import PIPELINE_HINTS
from padimkit.images.preprocessing import Preprocessing
from padimkit.pipeline.pipeline import Pipeline

_PARTS = {name: USUAL[hint] for name, hint in PIPELINE_HINTS.items() if hint in USUAL}


def add_pipeline(parser: ArgumentParser, named: Collection[str] = ()) -> None:
    """Add the arguments of a pipeline, in which these parts are named by their classes.

    All others that have a usual class are groups of its arguments.
    """
    groups = {name: usual for name, usual in _PARTS.items() if name not in named}
    parser.add_class_arguments(Pipeline, "pipeline", skip=set(groups))
    for name, usual in groups.items():
        parser.add_class_arguments(usual, f"pipeline.{name}")


def unnamed(pipeline: Mapping[str, Any]) -> dict[str, Any]:
    """Return the expanded settings of a pipeline with the arguments alone of each part of its usual class."""
    return {name: _unnamed(name, value) for name, value in pipeline.items()}


def said(pipeline: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as `unnamed` does, without younger arguments that are null.

    The keys of records, which follow from resolved settings, stay as they were before there were any.
    """
    found, unsaid = unnamed(pipeline), Preprocessing.unsaid
    given = found.get("preprocessing")
    if isinstance(given, Mapping):
        kept = {name: value for name, value in given.items() if value is not None or name not in unsaid}
        found["preprocessing"] = kept
    return found


def named_in(pipeline: Mapping[str, Any]) -> set[str]:
    """Return the names of the parts that are not of their usual class."""
    return {name for name, value in pipeline.items() if name in _PARTS and _is_named(_unnamed(name, value))}


def named_by_words(words: Iterable[str]) -> set[str]:
    """Return the names of the parts that any word of an expanded command line says to be of another class."""
    found: set[str] = set()
    for word in words:
        for name, value in _mentions(word):
            found |= named_in({name: value})
    return found


def unnamed_in_words(words: Iterable[str], named: Collection[str]) -> Iterator[str]:
    """Yield the words with the arguments alone of each part that no word says to be of another class."""
    for word in words:
        option, _, text = word.partition("=")
        name = _part(option)
        if name in _PARTS and name not in named:
            yield f"--pipeline.{name}={json.dumps(_unnamed(name, _value(text)))}"
        elif option in ("--config", "--pipeline") and isinstance(given := _value(text), Mapping):
            yield f"{option}={json.dumps(_without_names(given, named, option))}"
        else:
            yield word


def _without_names(given: Mapping[str, Any], named: Collection[str], option: str) -> dict[str, Any]:
    if option == "--config":
        pipeline = given.get("pipeline")
        inner = _without_names(pipeline, named, "--pipeline") if isinstance(pipeline, Mapping) else pipeline
        return {**given, **({"pipeline": inner} if "pipeline" in given else {})}
    return {name: value if name in named else _unnamed(name, value) for name, value in given.items()}


def _mentions(word: str) -> Iterable[tuple[str, Any]]:
    """Return the parts of the pipeline that a word gives, by name."""
    option, _, text = word.partition("=")
    if _part(option) in _PARTS:
        return [(_part(option), _value(text))]
    given = _value(text) if option in ("--config", "--pipeline") else None
    pipeline = given.get("pipeline") if option == "--config" and isinstance(given, Mapping) else given
    return pipeline.items() if isinstance(pipeline, Mapping) else ()


def _part(option: str) -> str:
    return option.removeprefix("--pipeline.").removesuffix(".class_path")


def _value(text: str) -> Any:
    """Return the value of an expanded word: JSON, or the path of a class without arguments."""
    return json.loads(text) if text.startswith("{") else {"class_path": text}


def _unnamed(name: str, value: Any) -> Any:
    """Return the arguments of a part of its usual class, and anything else as it is."""
    if name not in _PARTS or not _is_named(value):
        return value
    usual = _PARTS[name]
    known = (f"{usual.__module__}.{usual.__qualname__}", short_name(usual))
    return value.get("init_args") or {} if value["class_path"] in known else value


def _is_named(value: Any) -> bool:
    return isinstance(value, Mapping) and "class_path" in value
