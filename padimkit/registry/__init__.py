"""Plugins and recipes by name, over entry points; a plugin is imported when it is used, and not before."""

from padimkit.registry.families import FAMILIES, Family, find_family
from padimkit.registry.plugin import Plugin
from padimkit.registry.recipes import find_recipe, recipes
from padimkit.registry.registry import Registry, find_plugin, installed

__all__ = [
    "FAMILIES",
    "Family",
    "Plugin",
    "Registry",
    "find_family",
    "find_plugin",
    "find_recipe",
    "installed",
    "recipes",
]
