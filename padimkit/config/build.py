"""Settings to objects, by jsonargparse, with the registry's names in place of dotted paths."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from threading import get_ident
from typing import Any

from jsonargparse import ArgumentParser, Namespace

from padimkit.config.class_paths import ANYTHING, Expansion, check_class_paths
from padimkit.config.commands import EVALUATE, evaluate_parser
from padimkit.config.nulls import refuse_nulls
from padimkit.config.overrides import overridden
from padimkit.config.parser import errors_of, instantiated, new_parser, plain, seeded
from padimkit.config.usual import add_pipeline, named_in, unnamed
from padimkit.config.yaml_file import read_yaml
from padimkit.contracts import DensityModel, Reducer
from padimkit.errors import BadConfig, UntrustedClass
from padimkit.pipeline.pipeline import Pipeline
from padimkit.registry.recipes import DEFAULT_RECIPE, find_recipe, is_installed_recipe

_LEARNERS: dict[str, type[Any]] = {"reducer": Reducer, "density": DensityModel}


def build_pipeline(
    settings: Any, *, dotted: bool = True, providers: Mapping[tuple[str, str], str] | None = None
) -> Pipeline:
    """Return the pipeline that the settings of a `pipeline` section describe.

    Args:
        settings: By argument of `Pipeline`.
        dotted: True if classes may be named by dotted paths.
        providers: The distribution of each plugin by family and name, where other distributions have others
            of the same names; a name that is not among them is padimkit's. None for what is installed here.

    Raises:
        BadConfig: A key is unknown or a value is wrong; the message names it.
        UnknownPlugin: A name is not registered.
    """
    check_class_paths(settings, "pipeline")
    section = unnamed(Expansion(dotted, providers=providers).value(settings, Pipeline, "pipeline"))
    parser = _parser(_pipeline_parser, frozenset(named_in(section)), get_ident())
    with errors_of(parser):
        parsed = parser.parse_object({"pipeline": section})
    refuse_nulls(parsed)
    return instantiated(parser, parsed).pipeline  # type: ignore[no-any-return]


def load_recipe(recipe: str | Path = DEFAULT_RECIPE, *, trust: bool = False) -> Pipeline:
    """Return the unfitted pipeline of a recipe, given by name or as a YAML file with a `pipeline` section.

    The default is PaDiM over EfficientNet-Lite0, whose weights are installed with padimkit.

    Args:
        recipe: The name of an installed recipe, or a file.
        trust: Also import classes that a file names and that are not installed plugins; their code runs.

    Raises:
        BadConfig: There is no such recipe, it is wrong, or names such a class; file and key are named.
    """
    path = find_recipe(str(recipe))
    settings = read_yaml(path)
    if not isinstance(settings.get("pipeline"), Mapping):
        raise BadConfig(f'"{path}" has no section "pipeline".')
    try:
        return build_pipeline(settings["pipeline"], dotted=trust or is_installed_recipe(path))
    except UntrustedClass as error:
        raise BadConfig(f'"{path}": {error}') from error


def resolved(
    settings: Mapping[str, Any], overrides: Mapping[str, Any], expansion: Expansion = ANYTHING
) -> dict[str, Any]:
    """Return the settings of `evaluate` with all their defaults, in plain types and with short names.

    Args:
        settings: As a settings file holds them.
        overrides: Values by dotted key within the pipeline; they win over those in `settings`.
        expansion: Says which classes may be named by dotted paths.

    Raises:
        BadConfig: The settings are wrong; the message names the key and near misses.
        UnknownPlugin: A name is not registered.
        UntrustedClass: A class is named that the expansion does not allow.
    """
    given = EVALUATE.expanded(settings, expansion)
    given["pipeline"] = overridden(given.get("pipeline", {}), overrides, expansion)
    parser, section = _parser_for(EVALUATE.expanded(given, expansion))
    with errors_of(parser):
        parsed = parser.parse_object(section)
        refuse_nulls(parsed)
        return plain(parser, seeded(parsed))


def resolved_learners(
    pipeline: Mapping[str, Any], overrides: Mapping[str, Any], expansion: Expansion = ANYTHING
) -> dict[str, Any]:
    """Return the settings of a pipeline's reducer and density with all their defaults, and of nothing else.

    Args:
        pipeline: The `pipeline` section of a settings file, of which other parts may be missing.
        overrides: Values by dotted key within the pipeline; they win over those in `pipeline`.
        expansion: Says which classes may be named by dotted paths.

    Raises:
        BadConfig: One of the two is missing, or the settings are wrong; the message names the key.
        UnknownPlugin: A name is not registered.
        UntrustedClass: A class is named that the expansion does not allow.
    """
    check_class_paths(pipeline, "pipeline")
    given = overridden(pipeline, overrides, expansion)
    for name in _LEARNERS:
        if not given.get(name):
            raise BadConfig(f'"pipeline" has no "{name}". Name one.')
    parser = _learners_parser()
    chosen = {
        name: expansion.value(given[name], slot, f"pipeline.{name}") for name, slot in _LEARNERS.items()
    }
    with errors_of(parser):
        parsed = parser.parse_object({"pipeline": chosen})
        refuse_nulls(parsed)
        return plain(parser, parsed)


def instantiate_learners(settings: Mapping[str, Any]) -> tuple[Reducer, DensityModel]:
    """Return the reducer and the density that resolved settings describe.

    Raises:
        BadConfig: The settings are wrong; the message names the key and near misses.
    """
    parser = _learners_parser()
    given = settings["pipeline"]
    chosen = {name: ANYTHING.value(given[name], slot, f"pipeline.{name}") for name, slot in _LEARNERS.items()}
    with errors_of(parser):
        made = instantiated(parser, parser.parse_object({"pipeline": chosen})).pipeline
    return made.reducer, made.density


def _learners_parser() -> ArgumentParser:
    parser = new_parser("benchmark")
    for name, slot in _LEARNERS.items():
        parser.add_argument(f"--pipeline.{name}", type=slot, required=True)
    return parser


def instantiate(settings: Mapping[str, Any], expansion: Expansion = ANYTHING) -> Namespace:
    """Return the objects that resolved settings of `evaluate` describe, by key.

    Raises:
        BadConfig: The settings are wrong; the message names the key and near misses.
        UntrustedClass: A class is named that the expansion does not allow.
    """
    parser, section = _parser_for(EVALUATE.expanded(settings, expansion))
    with errors_of(parser):
        return instantiated(parser, parser.parse_object(section))


def make_parser(settings: Mapping[str, Any]) -> None:
    """Make the parser of resolved settings of `evaluate`, which is there for others of this process then."""
    _parser_for(EVALUATE.expanded(settings, ANYTHING))


def _parser_for(settings: Mapping[str, Any]) -> tuple[ArgumentParser, dict[str, Any]]:
    """Return the parser of `evaluate` for expanded settings, and these as it takes them."""
    given = settings.get("pipeline")
    pipeline = unnamed(given) if isinstance(given, Mapping) else {}
    parser = _parser(evaluate_parser, frozenset(named_in(pipeline)), get_ident())
    return parser, {**settings, **({"pipeline": pipeline} if "pipeline" in settings else {})}


@lru_cache(maxsize=16)  # a suite needs the same one twice for each cell, and it takes a third of the time
def _parser(made: Callable[[], ArgumentParser], named: frozenset[str], thread: int) -> ArgumentParser:
    """Return a parser with a pipeline in which these parts are named by their classes, for a thread alone."""
    parser = made()
    add_pipeline(parser, named)
    return parser


def _pipeline_parser() -> ArgumentParser:
    return ArgumentParser(exit_on_error=False)
