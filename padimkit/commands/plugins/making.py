"""How a plugin is made from the words of a command line."""

from collections.abc import Callable
from typing import Any

import yaml
from jsonargparse import ArgumentError, get_loader

from padimkit.config import Schema, new_parser
from padimkit.errors import BadConfig
from padimkit.manual import required_arguments
from padimkit.names import FAMILIES
from padimkit.registry import Plugin
from padimkit.suggestions import explained


def contract_of(plugin: Plugin) -> type[Any]:
    """The contract of the plugin's family."""
    return next(contract for contract, family in FAMILIES.items() if family == plugin.family)


def maker(plugin: Plugin, init_args: str, words: list[str]) -> Callable[[], Any]:
    """Returns what makes a fresh instance of the plugin at each call.

    Args:
        plugin: What to make.
        init_args: Its arguments in YAML or JSON.
        words: More of them as options: `--keep=3`, `--keep 3` or `--init_args.keep=3`.

    Raises:
        BadConfig: An argument that it needs is missing, or one is unknown or wrong.
    """
    arguments, options = _mapping(init_args), [_option(word) for word in words]
    _require_arguments(plugin, {*arguments, *(_argument(option) for option in options)})
    chosen = yaml.safe_dump({"class_path": plugin.full_name, "init_args": arguments}, default_flow_style=True)
    parser = new_parser("plugins check")
    parser.add_argument("--plugin", type=contract_of(plugin))
    schema = Schema({"plugin": contract_of(plugin)})
    try:
        settings = parser.parse_args(list(schema.words([f"--plugin={chosen}", *options])))
    except ArgumentError as error:
        raise BadConfig(explained(str(error), parser)) from error
    return lambda: parser.instantiate(settings).plugin


def _mapping(text: str) -> dict[str, Any]:
    try:
        found = get_loader("yaml")(text)
    except yaml.YAMLError as error:
        raise BadConfig(f'"init_args" is no YAML: {error}') from error
    if not isinstance(found, dict):
        raise BadConfig(f'"init_args" is {text!r}; expected names and values, such as {{keep: 3}}.')
    return found


def _option(word: str) -> str:
    """The word as an option of what is called "plugin" in our parser."""
    return f"--plugin.{word[2:].removeprefix('init_args.')}" if word.startswith("--") else word


def _argument(option: str) -> str:
    return option.removeprefix("--plugin.").partition("=")[0].partition(".")[0]


def _require_arguments(plugin: Plugin, given: set[str]) -> None:
    missing = [name for name in required_arguments(plugin.load()) if name not in given]
    if missing:
        options = " ".join(f"--{name} VALUE" for name in missing)
        raise BadConfig(
            f'"{plugin.name}" cannot be made without {", ".join(missing)}: pass {options}. '
            f"What it means: padimkit plugins show {plugin.family}/{plugin.name}"
        )
