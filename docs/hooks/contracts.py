"""Contracts and their checks, written into their page from the code, so that no list of them can rot.

`python docs/hooks/contracts.py` writes them as text: those of families below their names and
`<!-- contract and checks -->`, others below `<!-- optional contracts -->`. In the site, which links types,
their documentation stands there.
"""

import inspect
import re
from pathlib import Path
from typing import Any

from padimkit import contracts
from padimkit.registry.families import FAMILIES, Family
from padimkit.testing import checks_of

PAGE = Path(__file__).parents[1] / "contracts.md"
_TEXT = r"(?:\n(?:(?!^## )[\s\S])*?^<!-- end -->$)?"  # that an earlier run has written
CONTRACT = re.compile(rf"^## (\w+)\n\n<!-- contract and checks -->${_TEXT}", re.MULTILINE)
OPTIONAL = re.compile(rf"^<!-- optional contracts -->${_TEXT}", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put documentation in the places of the site."""
    markdown = CONTRACT.sub(lambda found: _documented_with_checks(family(found[1])), markdown)
    return OPTIONAL.sub(lambda _: "\n\n".join(map(_documented, optional())), markdown)


def written(page: str) -> str:
    """Return the page with the present contracts and checks as text."""
    page = CONTRACT.sub(lambda found: f"## {found[1]}\n\n{_of_family(found[1])}", page)
    return OPTIONAL.sub(lambda _: _between("optional contracts", *map(_headed, optional())), page)


def source(contract: type) -> str:
    """Return the source of a contract."""
    lines = inspect.getsource(contract).rstrip().splitlines()
    return "\n".join(["```pyi", *(line for line in lines if "__repr__" not in line), "```"])


def checks(contract: type) -> str:
    """Return a table of the checks of a contract."""
    found = checks_of(contract)
    rows = [f"| `{check.name}` | {check.description.replace('|', chr(92) + '|')} |" for check in found]
    return "\n".join([f"| {len(found)} checks | what each requires |", "|---|---|", *rows])


def family(name: str) -> Family:
    """Return the family whose contract has this name."""
    return next(family for family in FAMILIES if family.contract == name)


def optional() -> list[str]:
    """Return the names of the contracts that belong to no family."""
    classes = filter(inspect.isclass, vars(contracts).values())
    names = [value.__name__ for value in classes if value.__module__ == contracts.__name__]
    of_families = {family.contract for family in FAMILIES}
    return [name for name in names if name not in of_families]


def _headed(name: str) -> str:
    return f"### {name}\n\n{source(getattr(contracts, name))}"


def _of_family(name: str) -> str:
    contract = family(name).load_contract()
    return _between("contract and checks", source(contract), checks(contract))


def _between(title: str, *parts: str) -> str:
    return "\n\n".join([f"<!-- {title} -->", *parts, "<!-- end -->"])


def _documented_with_checks(family: Family) -> str:
    return f"::: {family.module}.{family.contract}\n\n{checks(family.load_contract())}"


def _documented(name: str) -> str:
    return f"::: padimkit.contracts.{name}\n    options: {{heading_level: 3}}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
