"""Plugins and recipes by name, over entry points; a plugin is imported when it is used, and not before."""

from padimkit.registry.plugin import CONTRACT_VERSION, CONTRACTS, Plugin
from padimkit.registry.recipes import find_recipe, recipes
from padimkit.registry.registry import Registry, find_plugin, installed

__all__ = [
    "CONTRACTS",
    "CONTRACT_VERSION",
    "Plugin",
    "Registry",
    "find_plugin",
    "find_recipe",
    "installed",
    "recipes",
]
