"""Plots as SVG with the colours of the page, light or dark."""

import io
import warnings
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text

from padimkit.report.plots.styles import COLOURS

INK = "#0a1b2c"  # a colour that nothing else has; the page replaces it by its own
_SETTINGS: Any = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.autolayout": False,
    "figure.constrained_layout.use": False,
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
    """Return a plot as an SVG element with a title and a description.

    Args:
        paint: Function that draws on the axes.
        name: Prefix of the ids of all elements; unique within the page.
        title: Name of the plot for screen readers.
        description: Content of the plot for screen readers.
        hints: Texts that appear under the mouse, by `gid` of the artist.
        size: Width and height in inches of 72 pixels.
    """
    with matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # the browser has the fonts that matplotlib lacks
        figure = Figure(figsize=size, dpi=72)
        FigureCanvasSVG(figure)  # whose measures of texts the layout takes
        paint(figure.subplots())
        for text in figure.findobj(Text):
            text.set_text(printable(text.get_text()))
        ConstrainedLayoutEngine().execute(figure)  # a figure that has it is drawn twice, once for it alone
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    root = ElementTree.fromstring(file.getvalue())
    _adapt(root, name, hints or {})
    _describe(root, name, title, description)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def printable(text: str) -> str:
    """Return the text with spaces for the control characters that XML forbids."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _adapt(root: ElementTree.Element, name: str, hints: Mapping[str, str]) -> None:
    """Make ids unique in the page, take the colours of the page, and drop namespaces, as HTML does."""
    for parent in root.iter():
        for child in list(parent):
            # matplotlib's style would hold for the whole page
            if child.tag.endswith(("}metadata", "}style")):
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
