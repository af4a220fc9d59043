"""Plots as SVG that takes its colours from the page, so that they suit light and dark alike."""

import io
import warnings
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from padimkit.report.plots.styles import COLOURS

INK = "#0a1b2c"  # any colour that nothing else has; the page puts its own in place
_SETTINGS: Any = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "none",
    "font.size": 10,
    "grid.alpha": 0.15,
    "grid.color": INK,
    "path.simplify_threshold": 0.5,
    "svg.fonttype": "none",
    "svg.hashsalt": "padimkit",  # the same records give the same page
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
}


def draw(
    paint: Callable[[Axes], None],
    *,
    name: str,
    title: str,
    description: str,
    hints: Mapping[str, str] | None = None,
    size: tuple[float, float] = (4.6, 3.1),
) -> Markup:
    """What `paint` draws on a pair of axes, as an SVG element with a title and a description.

    Args:
        paint: Draws.
        name: Unique within the page; the ids of all elements begin with it.
        title: Names the plot to who cannot see it.
        description: Says what can be seen.
        hints: By `gid` of a drawn artist, the text that shows where a mouse rests on it.
        size: Width and height in inches of 72 pixels.
    """
    with matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # the browser has the fonts that matplotlib lacks
        figure = Figure(figsize=size, layout="constrained")
        paint(figure.subplots())
        for text in figure.findobj(Text):
            text.set_text(printable(text.get_text()))
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    root = ElementTree.fromstring(file.getvalue())
    _adapt(root, name, hints or {})
    _describe(root, name, title, description)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def printable(text: str) -> str:
    """The text without the control characters that no XML may hold."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _adapt(root: ElementTree.Element, name: str, hints: Mapping[str, str]) -> None:
    """Ids become unique in the page, colours become those of the page, and namespaces go, as HTML has it."""
    for parent in root.iter():
        for child in list(parent):
            if child.tag.endswith(
                ("}metadata", "}style")
            ):  # matplotlib's style would hold for the whole page
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        attributes = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
        element.attrib.clear()
        element.attrib.update({key: _adapted(key, value, name) for key, value in attributes.items()})
        if hint := hints.get(attributes.get("id", "")):
            title = ElementTree.Element("title")
            title.text = printable(hint)
            element.insert(0, title)


def _adapted(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    if key == "href":
        return value.replace("#", f"#{name}-")
    if key in ("style", "clip-path", "fill", "stroke"):
        value = value.replace("url(#", f"url(#{name}-").replace(INK, "currentColor")
        for index, colour in enumerate(COLOURS):
            value = value.replace(colour, f"var(--series-{index})")
    return value


def _describe(root: ElementTree.Element, name: str, title: str, description: str) -> None:
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.attrib |= {"role": "img", "aria-labelledby": f"{name}-title {name}-description"}
    for index, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(tag, id=f"{name}-{'title' if tag == 'title' else 'description'}")
        element.text = printable(text)
        root.insert(index, element)
