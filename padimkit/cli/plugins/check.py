"""`padimkit plugins check`: all checks of the contract of a plugin."""

import gc
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import yaml

from padimkit.arguments.checked import Checked
from padimkit.cli.plugins.documentation import required_arguments
from padimkit.cli.plugins.table import lines
from padimkit.config.options import PlainParser
from padimkit.config.parser import new_parser, parse_words
from padimkit.config.schema import Schema
from padimkit.config.yaml_text import parsed_yaml
from padimkit.errors import (
    AmbiguousPlugin,
    BadArgument,
    BadConfig,
    BrokenContract,
    UnknownPlugin,
    near_misses,
)
from padimkit.files.packages import canonical, offered_files
from padimkit.registry.families import find_family
from padimkit.registry.plugin import Plugin
from padimkit.registry.published import to_install
from padimkit.registry.recipes import GROUP, recipes
from padimkit.registry.registry import NAMES, find_plugin, installed
from padimkit.testing import Check, Outcome, Recipe, checks_of, elsewhere, outcomes, recipe_outcomes
from padimkit.testing.recipes import RECIPE_CHECKS
from padimkit.weights import cards

_VERDICTS = ("passed", "failed", "skipped")
_RECIPES = "recipes/"
_MANY_OBJECTS = 100_000  # after which garbage is searched: torch imports its compiler when it first trains


def run(words: list[str]) -> None:
    """Print the outcome of each check as soon as it is known.

    Raises:
        BrokenContract: A check failed.
        BadArgument: It is no plugin, or the plugin refuses its arguments or data.
        BadConfig: An argument that the plugin needs is missing, or one is unknown or wrong.
    """
    parser = PlainParser(
        prog="padimkit plugins check",
        usage="%(prog)s NAME [--ARGUMENT VALUE ...] [--init_args '{ARGUMENT: VALUE, ...}']",
        description="Import a plugin, make it with these arguments, and do all checks of the contract of its "
        "family. The exit status is 1 if a check fails. A class may say with which arguments it is checked. "
        "A recipe, by name, as recipes/NAME or as a YAML file, is checked as its users would use it.",
        epilog="padimkit plugins show NAME lists its arguments.",
        allow_abbrev=False,
    )
    parser.add_argument("name", help=NAMES)
    parser.add_argument("--init_args", default="{}", help="Arguments of the plugin in YAML or JSON.")
    known, rest = parser.parse_known_args(words)
    if recipe := _recipe(known.name):
        if rest or known.init_args != "{}":
            raise BadArgument(f'"{known.name}" is a recipe, which takes no arguments.')
        _require_whole(_report(recipe_outcomes(recipe), _width(RECIPE_CHECKS)), recipe.path.stem)
        return
    try:
        plugin = find_plugin(known.name)
    except UnknownPlugin as error:
        if known.name in [card.stem for card, _ in cards()]:
            raise BadArgument(
                f'"{known.name}" are weights, which have no contract; padimkit plugins list --import reads '
                "them and verifies their digest."
            ) from error
        raise UnknownPlugin(_meant(known.name)) from error
    elsewhere.begin(plugin.module)
    contract = find_family(plugin.family).load_contract()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, _each_warning_once():
        make = maker(plugin, known.init_args, rest, Path(folder))
        with _garbage_seldom_searched():
            failed = _report(outcomes(contract, make), _width(checks_of(contract)))
    _require_whole(failed, plugin.name)


def _recipe(name: str) -> Recipe | None:
    """Return the recipe of a name that no plugin has, or that says that it is one; None if there is none."""
    if name.startswith(_RECIPES):
        return Recipe.named(name.removeprefix(_RECIPES))
    if name.endswith((".yaml", ".yml")):
        return Recipe.named(name)
    with suppress(UnknownPlugin, AmbiguousPlugin, BadArgument):
        find_plugin(name)
        return None
    with suppress(BadConfig):
        return Recipe.named(name)
    return None


def _meant(name: str) -> str:
    """Return what a name may mean that is neither that of a plugin nor of a recipe."""
    known = canonical(name)
    parts = [p for p in installed() if known in (canonical(p.distribution), canonical(p.module))]
    files = [
        file
        for file, offer in offered_files(GROUP)
        if known in (canonical(offer.distribution), canonical(file.parent.name))
    ]
    names = [f"{p.family}/{p.name}" for p in parts] + [f"{_RECIPES}{file.stem}" for file in sorted(files)]
    if names:
        return f'"{name}" is a distribution or a package: check one of what it brings, {", ".join(names)}.'
    near = to_install(name) or near_misses(name, {*(p.name for p in installed()), *recipes()})
    return f'"{name}" is neither a plugin nor a recipe.{near} List all with: padimkit plugins list'


@contextmanager
def _each_warning_once() -> Iterator[None]:
    """Show the same warning once within the block, however many checks make the part that warns."""
    show, seen = warnings.showwarning, set[tuple[Any, ...]]()

    def show_once(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        key = str(message), category, filename, lineno
        if key not in seen:
            seen.add(key)
            show(message, category, filename, lineno, file, line)

    warnings.showwarning = show_once  # each check starts anew what Python remembers of warnings
    try:
        yield
    finally:
        warnings.showwarning = show


@contextmanager
def _garbage_seldom_searched() -> Iterator[None]:
    """Search less often for garbage within the block."""
    usual = gc.get_threshold()
    gc.set_threshold(_MANY_OBJECTS)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _width(checks: Iterable[Check]) -> int:
    return max(len(check.name) for check in checks)


def _require_whole(failed: int, name: str) -> None:
    if failed:
        raise BrokenContract(f'{failed} of the checks above failed: "{name}" breaks its contract.')


def _report(found: Iterator[Outcome], width: int) -> int:
    """Print a table, row by row, and return the number of checks that failed."""
    counts: Counter[str] = Counter()
    for outcome in found:
        row = (outcome.check.name, outcome.verdict, outcome.reason)
        print(*lines(row, (width, max(map(len, _VERDICTS)))), sep="\n", flush=True)
        counts[outcome.verdict] += 1
    print("\n" + ", ".join(f"{counts[verdict]} {verdict}" for verdict in _VERDICTS))
    return counts["failed"]


def maker(plugin: Plugin, init_args: str, words: list[str], folder: Path) -> Callable[[], Any]:
    """Return a function that makes a fresh instance of the plugin at each call.

    Args:
        plugin: The plugin to make.
        init_args: Its arguments in YAML or JSON; others are those with which its class wants to be checked.
        words: More arguments, as options: `--keep=3`, `--keep 3` or `--init_args.keep=3`.
        folder: A folder to write into, for classes that want to be checked with one.

    Raises:
        BadConfig: An argument that it needs is missing, or one is unknown or wrong.
    """
    options = [_option(word) for word in words]
    given = {_argument(option) for option in options}
    arguments = _chosen(plugin, given, folder) | _mapping(init_args)
    _require_arguments(plugin, {*arguments, *given})
    chosen = yaml.safe_dump({"class_path": plugin.full_name, "init_args": arguments}, default_flow_style=True)
    contract = find_family(plugin.family).load_contract()
    parser = new_parser("plugins check")
    parser.add_argument("--plugin", type=contract)
    schema = Schema({"plugin": contract})
    settings = parse_words(parser, list(schema.words([f"--plugin={chosen}", *options])))
    return lambda: parser.instantiate(settings).plugin


def _chosen(plugin: Plugin, given: set[str], folder: Path) -> dict[str, Any]:
    """Return the arguments with which the class wants to be checked, but for those that are given."""
    checked: Checked = plugin.load().checked
    chosen = dict(checked.arguments) | ({checked.folder: str(folder)} if checked.folder else {})
    return {name: value for name, value in chosen.items() if name not in given}


def _mapping(text: str) -> dict[str, Any]:
    try:
        found = parsed_yaml(text)
    except yaml.YAMLError as error:
        raise BadConfig(f'"init_args" is not valid YAML: {error}') from error
    if not isinstance(found, dict):
        raise BadConfig(f'"init_args" is {text!r}; expected names and values, such as {{keep: 3}}.')
    return found


def _option(word: str) -> str:
    """Return the word as an option of the argument "plugin" of our parser."""
    return f"--plugin.{word[2:].removeprefix('init_args.')}" if word.startswith("--") else word


def _argument(option: str) -> str:
    return option.removeprefix("--plugin.").partition("=")[0].partition(".")[0]


def _require_arguments(plugin: Plugin, given: set[str]) -> None:
    missing = [name for name in required_arguments(plugin.load()) if name not in given]
    if missing:
        options = " ".join(f"--{name} VALUE" for name in missing)
        raise BadConfig(
            f'"{plugin.name}" cannot be made without {", ".join(missing)}: pass {options}. '
            f"Its meaning: padimkit plugins show {plugin.family}/{plugin.name}"
        )
