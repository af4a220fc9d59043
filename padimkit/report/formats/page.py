"""The report as one page of HTML that needs nothing else."""

import base64
import shlex
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from padimkit.report import formatting, links
from padimkit.report.plots.styles import Style, styles
from padimkit.report.plots.svg import draw
from padimkit.report.protocols import protocol, warnings
from padimkit.report.scoreboards import rows_of
from padimkit.report.sections.cells import cell_table
from padimkit.report.sections.comparison import comparisons
from padimkit.report.sections.curves import panels
from padimkit.report.sections.environments import environment_table, mixed_environments, plugin_table
from padimkit.report.sections.gallery import rooms
from padimkit.report.sections.growth import exponent_tables, growths
from padimkit.report.sections.tradeoffs import tradeoffs
from padimkit.report.study import Study, unique


def as_page(study: Study) -> str:
    """The page; everything that comes from a record is escaped.

    Raises:
        BadData: A picture in a record is no PNG or JPEG file.
    """
    return _templates().get_template("page.html").render(_frame(study) | _sections(study))


def _frame(study: Study) -> dict[str, Any]:
    script = _asset("page.js")
    return {
        "title": ", ".join(unique(entry.record.suite for entry in study.entries)),
        "style": _asset("page.css"),
        "script": script,
        "script_hash": base64.b64encode(sha256(script.encode()).digest()).decode(),
        "version": version("padimkit"),
        "legend": [_swatch(method, style) for method, style in styles(study.methods).items()],
    }


def _sections(study: Study) -> dict[str, Any]:
    return {
        "study": study,
        "warnings": [*warnings(study.entries), *mixed_environments(study)],
        "comparisons": comparisons(study),
        "tradeoffs": tradeoffs(study),
        "rooms": rooms(study),
        "panels": panels(study),
        "exponents": list(exponent_tables(study)),
        "growths": growths(study),
        "cells": cell_table(study),
        "environments": environment_table(study),
        "plugins": plugin_table(study),
        "rows": [row for dataset in study.datasets for row in rows_of(study, dataset)],
    }


def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("padimkit.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals |= {"links": links, "formatting": formatting, "protocol": protocol}
    templates.filters |= {"yaml": _yaml, "quote": shlex.quote}
    return templates


def _asset(name: str) -> Markup:
    return Markup(files("padimkit.report").joinpath("templates").joinpath(name).read_text(encoding="utf-8"))


def _yaml(settings: Any) -> str:
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)


def _swatch(method: str, style: Style) -> Markup:
    def paint(axes: Any) -> None:
        axes.plot((0, 1), (0, 0), **style.line)
        axes.plot(0.5, 0, **style.point)
        axes.set_axis_off()

    return draw(paint, name=f"swatch-{style.index}", title=method, description="", size=(0.5, 0.22))
