"""The entries of a suite's two lists: methods and data.

They stand apart from the file, since whatever makes cells of them needs no file.
"""

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Method:
    """One entry of `pipelines`: a recipe, a settings file, or a pipeline in place.

    Args:
        recipe: A recipe's name, or the path of a settings file.
        pipeline: A `pipeline` section in place of a recipe.
        name: Its name in tables; may hold keys of `grid` in braces.
        set: Values by key below `pipeline`, as on the command line.
        grid: Lists of values by such a key; all combinations are run.
        vary: Replaces the suite's.
        train_images: Replaces the suite's.
        seeds: Replace the suite's.
        if_present: Left out, with the reason, where one of these files is missing.
        unless_present: Left out, with the reason, where one of these files is there.
        otherwise: Used only if all pipelines that are not marked so are left out.
    """

    recipe: str = ""
    pipeline: dict[str, Any] | None = None
    name: str = ""
    set: dict[str, Any] = field(default_factory=dict)
    grid: dict[str, list[Any]] = field(default_factory=dict)
    vary: dict[str, list[float]] = field(default_factory=dict)
    train_images: int | None = None
    seeds: list[int] | None = None
    if_present: list[str] = field(default_factory=list)
    unless_present: list[str] = field(default_factory=list)
    otherwise: bool = False


@dataclass(frozen=True)
class Data:
    """One entry of `datasets`.

    Args:
        class_path: The name of a data set's class.
        name: Its name in tables; that of its class by default.
        init_args: Its arguments.
        categories: Short for a grid of `category`; lists by name make groups of them, whose means are shown.
        grid: Lists of values by argument; all combinations are run.
        part: Either all test images, or those of one of the two parts that `held_out` makes: a search sees
            others than a report.
        seeded: True if the seed of a cell is the data set's too.
        if_present: Left out, with the reason, where one of these files is missing.
        unless_present: Left out, with the reason, where one of these files is there.
        otherwise: Used only if all data sets that are not marked so are left out.
    """

    class_path: str = ""
    name: str = ""
    init_args: dict[str, Any] = field(default_factory=dict)
    categories: list[str] | dict[str, list[str]] = field(default_factory=list)
    grid: dict[str, list[Any]] = field(default_factory=dict)
    part: Literal["whole", "search", "report"] = "whole"
    seeded: bool = False
    if_present: list[str] = field(default_factory=list)
    unless_present: list[str] = field(default_factory=list)
    otherwise: bool = False

    @property
    def title(self) -> str:
        """Its name in tables and messages."""
        return self.name or self.class_path

    @property
    def groups(self) -> dict[str, str]:
        """The name of the group of each category that is in one."""
        if not isinstance(self.categories, dict):
            return {}
        return {category: group for group, some in self.categories.items() for category in some}
