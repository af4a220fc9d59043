"""Contracts and their checks, put into the pages from the code, so that no list of them can rot.

Below the name of a contract as heading, `<!-- contract and checks -->` stands for its documentation and for a
table of its checks; `<!-- optional contracts -->` stands for all that belong to no family.
"""

import inspect
import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from padimkit import contracts
from padimkit.registry.families import FAMILIES
from padimkit.testing import checks_of

CONTRACT = re.compile(r"^## (\w+)\n\n<!-- contract and checks -->$", re.MULTILINE)


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Replace both comments."""
    markdown = CONTRACT.sub(lambda heading: with_checks(heading[1]), markdown)
    return markdown.replace("<!-- optional contracts -->", "\n\n".join(map(_documented, optional())))


def with_checks(name: str) -> str:
    """Return the contract of this name, and a table of its checks."""
    (family,) = [family for family in FAMILIES if family.contract == name]
    checks = checks_of(family.load_contract())
    rows = [f"| `{check.name}` | {check.description.replace('|', chr(92) + '|')} |" for check in checks]
    table = "\n".join([f"| {len(checks)} checks | what each requires |", "|---|---|", *rows])
    return f"::: {family.module}.{name}\n\n{table}"


def optional() -> list[str]:
    """Return the names of the contracts that belong to no family."""
    classes = filter(inspect.isclass, vars(contracts).values())
    names = [value.__name__ for value in classes if value.__module__ == contracts.__name__]
    of_families = {family.contract for family in FAMILIES}
    return [name for name in names if name not in of_families]


def _documented(name: str) -> str:
    return f"::: padimkit.contracts.{name}\n    options: {{heading_level: 3}}"
