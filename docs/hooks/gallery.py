"""The gallery of plugins, written into its page from what is installed: `python docs/hooks/gallery.py`.

Padimkit and the plugins of this repository are known; all else that is installed is not for the page.
"""

import contextlib
import io
import json
import re
from pathlib import Path
from typing import Any

from padimkit.cli.main import main
from padimkit.registry.families import FAMILIES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "plugins.md"
GALLERY = re.compile(r"^<!-- plugins -->$[\s\S]*?^<!-- end -->$", re.MULTILINE)


def written(page: str) -> str:
    """Return the page with the present plugins and recipes."""
    listed = _listed()
    known = ["padimkit", *sorted(path.name for path in (ROOT / "plugins").glob("padimkit-*"))]
    tables = []
    for family in FAMILIES:
        found = [one for one in listed["plugins"] if one["family"] == family.plural]
        rows = [
            (f"`{one['name']}`", one["distribution"], one["description"].replace("|", "\\|"))
            for one in found
            if one["distribution"] in known
        ]
        tables.append(_table(family.plural, (family.singular, "package", "what it is"), rows))
    rows = [(name, ", ".join(f"`{one}`" for one in listed["recipes"].get(name, []))) for name in known]
    tables.append(_table("recipes", ("package", "recipes"), rows))
    text = "\n\n".join(["<!-- plugins -->", *tables, "<!-- end -->"])
    return GALLERY.sub(lambda _: text, page)


def _listed() -> Any:
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        main(["plugins", "list", "--format", "json"])
    return json.loads(told.getvalue())


def _table(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (columns, ("---",) * len(columns), *rows)]
    return "\n".join([f"## {title.capitalize()}", "", *lines])


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
