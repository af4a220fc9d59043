"""Plugins that come with padimkit but are no public names of it are documented as its entry points say."""

from importlib.metadata import distribution

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

import padimkit
from padimkit.registry.families import FAMILIES


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Puts them in the place of `<!-- other plugins -->`."""
    return markdown.replace("<!-- other plugins -->", "\n\n".join(f"::: {path}" for path in other_plugins()))


def other_plugins() -> list[str]:
    """The dotted paths of their classes."""
    groups = {f"padimkit.{family.plural}" for family in FAMILIES}
    points = [point for point in distribution("padimkit").entry_points if point.group in groups]
    return [f"{point.module}.{point.attr}" for point in points if point.attr not in padimkit.__all__]
