"""The two pages of a server, which need nothing from elsewhere: one to drop images on, one of reference.

Apart from the service, which knows nothing of templates.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


@dataclass(frozen=True)
class Html:
    """A page.

    Args:
        text: Its HTML.
        policy: Its Content-Security-Policy, which allows its own style and script, by their hashes, and
            requests to its own server.
    """

    text: str
    policy: str


@cache
def index() -> Html:
    """Return the page for people."""
    return _page("index.html", _asset("index.js"), {})


def reference(described: Mapping[str, Any]) -> Html:
    """Return a description by OpenAPI as a page, without a script."""
    return _page("reference.html", Markup(""), {"api": described})


def _page(name: str, script: Markup, context: Mapping[str, Any]) -> Html:
    style = _asset("index.css")
    environment = Environment(
        loader=PackageLoader("padimkit.service.serving"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    context = {"style": style, "script": script, "version": version("padimkit"), **context}
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return Html(environment.get_template(name).render(context), policy)


def _asset(name: str) -> Markup:
    return Markup(
        files("padimkit.service.serving").joinpath("templates").joinpath(name).read_text(encoding="utf-8")
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(sha256(text.encode()).digest()).decode('ascii')}"
