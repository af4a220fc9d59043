"""The fields of public values, written into their page from the code: `python docs/hooks/values.py`.

Each has its type and its default as the source has them, and the meaning that its docstring tells.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from docstring_parser import parse

import padimkit
from padimkit import testing, values
from padimkit.benchmark import cell, record, times
from padimkit.report import section, tables
from padimkit.service.exporting import exporter

PAGE = Path(__file__).parents[1] / "values.md"
GROUPS: dict[str, tuple[Any, ...]] = {
    "values": (values,),
    "padimkit": (padimkit,),
    "records": (record, times, cell),
    "plugins": (section, tables, exporter, testing),
}
LISTED = re.compile(r"^<!-- (\w+) -->$[\s\S]*?^<!-- end -->$", re.MULTILINE)


def written(page: str) -> str:
    """Return the page with the present classes; each stands in the first group that has it."""
    known = listed()
    return LISTED.sub(
        lambda found: "\n\n".join([f"<!-- {found[1]} -->", *map(table, known[found[1]]), "<!-- end -->"]),
        page,
    )


def listed() -> dict[str, list[type[Any]]]:
    """Return the dataclasses of each group, in the order of their modules."""
    seen: set[type[Any]] = set()
    found: dict[str, list[type[Any]]] = {}
    for group, modules in GROUPS.items():
        found[group] = [one for module in modules for one in public(module) if one not in seen]
        found[group] = list(dict.fromkeys(found[group]))
        seen.update(found[group])
    return found


def public(module: Any) -> Iterator[type[Any]]:
    """Yield the dataclasses that a module offers."""
    for name in getattr(module, "__all__", None) or vars(module):
        one = getattr(module, name)
        if not name.startswith("_") and inspect.isclass(one) and is_dataclass(one):
            yield one


def table(kind: type[Any]) -> str:
    """Return the heading of a class, what it is, and a row for each field."""
    told = parse(kind.__doc__ or "")
    meanings = {one.arg_name: " ".join((one.description or "").split()) for one in told.params}
    lines = [f"### {kind.__name__}", "", _prose(kind.__doc__ or ""), "", "| field | meaning |", "|---|---|"]
    for field, (annotation, default) in _annotations(kind).items():
        text = f"{field}: {annotation}" + (f" = {default}" if default else "")
        lines.append(f"| `{_cell(text)}` | {_cell(meanings.get(field, ''))} |")
    return "\n".join(lines)


def _prose(docstring: str) -> str:
    """Return what a docstring says before its sections, paragraphs on one line each."""
    before = re.split(r"^\s*(?:Args|Raises|Attributes):$", docstring, maxsplit=1, flags=re.MULTILINE)[0]
    return "\n\n".join(" ".join(part.split()) for part in before.strip().split("\n\n"))


def _annotations(kind: type[Any]) -> dict[str, tuple[str, str]]:
    """Return type and default of each field as the source writes them."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    names = {field.name for field in fields(kind)}
    assert isinstance(body, ast.ClassDef)
    return {
        node.target.id: (ast.unparse(node.annotation), ast.unparse(node.value) if node.value else "")
        for node in body.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id in names
    }


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
