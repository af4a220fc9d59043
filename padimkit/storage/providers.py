"""The distributions that the parts of a stored model come from, as its manifest tells.

Apart from the model: a name alone may mean another part where it is loaded.
"""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from padimkit.errors import BadModel
from padimkit.files.packages import canonical
from padimkit.registry.plugin import Plugin
from padimkit.registry.published import to_install
from padimkit.registry.registry import SESSION, installed

_log = logging.getLogger(__name__)


def providers(manifest: Mapping[str, Any], folder: Path) -> dict[tuple[str, str], str]:
    """Return the distribution of each plugin of a model by family and name, all of which are installed.

    Another version than that which the model was made with is a warning.

    Raises:
        BadModel: One is not installed, whatever else has its name; the message names both.
    """
    plugins = list(installed())
    found = {}
    for listed in manifest.get("plugins", []):
        plugin = next((one for one in plugins if _is(one, listed)), None)
        if plugin is None:
            raise BadModel(f'"{folder}" cannot be loaded: {_missing(listed, plugins)}')
        _tell_version(plugin, listed, folder)
        if (
            plugin.is_built_in or (plugin.family, plugin.name) not in found
        ):  # a stranger's is named in full then
            found[plugin.family, plugin.name] = plugin.distribution
    return found


def _is(plugin: Plugin, listed: Mapping[str, str]) -> bool:
    named = plugin.family == listed["family"] and plugin.name == listed["name"]
    return named and canonical(plugin.distribution) == canonical(listed["distribution"])


def _missing(listed: Mapping[str, str], plugins: list[Plugin]) -> str:
    who = f'"{listed["name"]}" ({listed["family"]}) of {listed["distribution"]} {listed["version"]}'
    others = ", ".join(_namesakes(listed, plugins))
    taken = f" That of {others} is another part of this name, and is not used." if others else ""
    hint = to_install(listed["name"])  # for ours only: whoever wrote the model may have named any package
    known = hint if canonical(listed["distribution"]) in hint else ""
    if canonical(listed["distribution"]) == SESSION:
        known = f' Add it first: padimkit.Registry("{listed["family"]}").add(CLASS, "{listed["name"]}").'
    return f"It was made with {who}, which is not installed.{taken}{known}"


def _namesakes(listed: Mapping[str, str], plugins: list[Plugin]) -> Iterator[str]:
    for plugin in plugins:
        if plugin.family == listed["family"] and plugin.name == listed["name"]:
            yield f"{plugin.distribution} {plugin.version}"


def _tell_version(plugin: Plugin, listed: Mapping[str, str], folder: Path) -> None:
    """Warn of a stranger's other version; models of earlier versions of padimkit are read by promise."""
    if plugin.version != listed["version"] and not plugin.is_built_in:
        _log.warning(
            '"%s" was made with %s %s, and %s is installed: its scores may differ.',
            folder,
            plugin.distribution,
            listed["version"],
            plugin.version,
        )
