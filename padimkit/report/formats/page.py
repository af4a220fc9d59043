"""The report as one page of HTML that needs nothing else.

Templates, style and script are put together here, and Jinja is imported nowhere else.
"""

import base64
import shlex
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from padimkit.report import formatting, links, machine, verdicts
from padimkit.report.plots.styles import Style, styles
from padimkit.report.plots.svg import draw
from padimkit.report.sections import SECTIONS, Section
from padimkit.report.study import Study, unique


def as_page(
    study: Study, sections: Sequence[Section] = SECTIONS, *, beside: Mapping[str, str] | None = None
) -> str:
    """Return the page with those sections that have content; everything from a record is escaped.

    Args:
        study: What it shows.
        sections: In their order.
        beside: Links to files beside the page, by their texts.

    Raises:
        BadData: A picture in a record is not a PNG or JPEG file.
    """
    found = templates()
    contents = list(_contents(study, sections, found))
    return found.get_template("page.html").render(
        _frame(study) | {"contents": contents, "beside": beside or {}}
    )


def _contents(
    study: Study, sections: Sequence[Section], found: Environment
) -> Iterator[tuple[Section, Markup]]:
    """Yield each section with its rendered template, which sees the study and what the section builds."""
    for section in sections:
        context = section.build(study)
        if context is not None:
            template = found.get_template(f"{section.name}.html")
            yield section, Markup(template.render({"study": study, **context}))


def _frame(study: Study) -> dict[str, Any]:
    script = asset("page.js")
    return {
        "study": study,
        "title": ", ".join(unique(entry.record.cell.suite for entry in study.entries)),
        "style": asset("page.css"),
        "script": script,
        "script_hash": base64.b64encode(sha256(script.encode()).digest()).decode(),
        "version": version("padimkit"),
        "legend": [_swatch(method, style) for method, style in styles(study.methods).items()],
    }


def templates() -> Environment:
    """Return the templates, which escape what is put into them."""
    found = Environment(
        loader=PackageLoader("padimkit.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals |= {"links": links, "formatting": formatting, "verdicts": verdicts, "machine": machine}
    found.filters |= {"yaml": _yaml, "quote": shlex.quote}
    return found


def asset(name: str) -> Markup:
    """Return a file from the folder of templates as it is."""
    return Markup(files("padimkit.report").joinpath("templates").joinpath(name).read_text(encoding="utf-8"))


def _yaml(settings: Any) -> str:
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)


def _swatch(method: str, style: Style) -> Markup:
    def paint(axes: Any) -> None:
        axes.plot((0, 1), (0, 0), **style.line)
        axes.plot(0.5, 0, **style.point)
        axes.set_axis_off()

    return draw(paint, name=f"swatch-{style.index}", title=method, description="", size=(0.5, 0.22))
