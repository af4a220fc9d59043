"""Patterns in the navigation, which stand for all pages that they fit, so that nobody has to list them."""

from fnmatch import fnmatch
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Replace the patterns by the pages that they fit, in the order of the names."""
    config.nav = _expanded(config.nav, sorted(file.src_uri for file in files.documentation_pages()))
    return files


def _expanded(entry: Any, pages: list[str]) -> Any:
    if isinstance(entry, dict):
        return {title: _chapter(below, pages) for title, below in entry.items()}
    return [page for below in entry for page in _listed(below, pages)]


def _chapter(entry: Any, pages: list[str]) -> Any:
    if isinstance(entry, str) and "*" not in entry:
        return entry
    return _expanded([entry] if isinstance(entry, str) else entry, pages)


def _listed(entry: Any, pages: list[str]) -> list[Any]:
    if isinstance(entry, dict):
        return [_expanded(entry, pages)]
    found = [page for page in pages if fnmatch(page, entry)]
    if "*" in entry and not found:
        raise PluginError(f'No page fits "{entry}" in the navigation.')
    return found or [entry]
