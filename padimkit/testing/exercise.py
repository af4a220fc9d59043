"""How the parts of a family are put to use, so that one check serves all families."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from padimkit.testing.check import Make
from padimkit.testing.result import Result

Material: TypeAlias = Literal["usual", "other"]


@dataclass(frozen=True)
class Exercise:
    """What a part learns from first, and what it is asked then: always about data that are new to it.

    `teach` and `ask` take a part, and which of two sets of data to use.
    """

    teach: Callable[[Any, Material], None]
    ask: Callable[[Any, Material], Result]

    def taught(self, make: Make, material: Material = "usual") -> Any:
        """A fresh part that has learnt."""
        part = make()
        self.teach(part, material)
        return part

    def answer(self, make: Make) -> Result:
        """What a fresh part that has learnt the usual is found to say about the usual."""
        return self.ask(self.taught(make), "usual")


def nothing_to_teach(part: Any, material: Material) -> None:
    """For parts that do not learn."""
