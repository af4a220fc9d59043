"""YAML and command line to objects, by jsonargparse, with the registry's names in place of dotted paths."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentError, ArgumentParser, Namespace

from padimkit.config.class_paths import Expansion
from padimkit.config.parser import FIT, explained, fit_parser
from padimkit.config.yaml_file import read_yaml
from padimkit.errors import BadConfig
from padimkit.pipeline.pipeline import Pipeline
from padimkit.registry.recipes import find_recipe


def build_pipeline(settings: Any, *, dotted: bool = True) -> Pipeline:
    """The pipeline that the settings of a `pipeline` section describe.

    Args:
        settings: By argument of `Pipeline`.
        dotted: Whether classes may be named by dotted paths.

    Raises:
        BadConfig: A key is unknown or a value is wrong; the message names it.
        UnknownPlugin: A name is not registered.
    """
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(Pipeline, "pipeline")
    section = Expansion(dotted).value(settings, Pipeline, "pipeline")
    try:
        parsed = parser.parse_object({"pipeline": section})
    except ArgumentError as error:
        raise BadConfig(str(error)) from error
    return parser.instantiate(parsed).pipeline  # type: ignore[no-any-return]


def load_recipe(recipe: str | Path) -> Pipeline:
    """The unfitted pipeline of a recipe: its name, or the path of a YAML file with a `pipeline` section.

    Raises:
        BadConfig: There is no such recipe, or it is wrong; the message names file and key.
    """
    path = find_recipe(str(recipe))
    settings = read_yaml(path)
    if not isinstance(settings.get("pipeline"), Mapping):
        raise BadConfig(f'"{path}" has no section "pipeline".')
    return build_pipeline(settings["pipeline"])


def made_of(settings: Mapping[str, Any]) -> Namespace:
    """The objects that resolved settings of `evaluate` describe, by key.

    Raises:
        BadConfig: The settings are wrong; the message names the key and near misses.
    """
    parser = fit_parser("evaluate", "")
    try:
        made: Namespace = parser.instantiate(parser.parse_object(FIT.expanded(settings)))
        return made
    except ArgumentError as error:
        raise BadConfig(explained(str(error), parser)) from error
