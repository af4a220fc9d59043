"""Which cells a suite has, beside their records: what is missing, and what is no longer planned."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from padimkit.errors import BadData
from padimkit.files import new_file


@dataclass(frozen=True)
class Plan:
    """The cells of a suite when it last ran.

    Args:
        suite: Its name.
        titles: What its cells are called, by the keys of their records.
    """

    suite: str
    titles: Mapping[str, str]

    def write(self, folder: Path) -> None:
        """Puts it beside the records, in place of an earlier one."""
        content = {"suite": self.suite, "titles": dict(self.titles)}
        with new_file(folder / f"{_START}{self.suite}.json", overwrite=True) as file:
            file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


_START = ".plan-"  # hidden: it is no record


def plans(folder: Path) -> Iterator[Plan]:
    """The plans in a folder of records.

    Raises:
        BadData: A file is no plan.
    """
    for path in sorted(folder.glob(f"{_START}*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            titles = {str(key): str(title) for key, title in content["titles"].items()}
            found = Plan(str(content["suite"]), titles)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadData(f'"{path}" is no plan of a suite ({error}). Delete it.') from error
        yield found
