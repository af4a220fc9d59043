"""The layers of a network by name or number, with an error for unknown ones."""

import difflib
from collections.abc import Sequence
from typing import final

from padimkit.errors import BadArgument


@final
class Layers:
    """The modules of a network, and the ones that its authors number as feature levels."""

    def __init__(self, model: str, modules: Sequence[str], stages: Sequence[str] = ()) -> None:
        self.model = model
        self.modules = modules
        self.stages = stages

    def names(self, layers: Sequence[str | int], option: str) -> list[str]:
        """Return the names of several different layers.

        Raises:
            BadArgument: No layer is given, one is unknown, or one is named twice.
        """
        names = [self.name(layer, option) for layer in layers]
        if not names or len(set(names)) < len(names):
            raise BadArgument(f'Expected different layers of "{self.model}" in "{option}", got {layers}.')
        return names

    def name(self, layer: str | int, option: str) -> str:
        """Return the name of a layer that is given by its name or by its number.

        Raises:
            BadArgument: The layer does not exist; the message names the option and lists the layers.
        """
        if isinstance(layer, str) and layer in {*self.stages, *self.modules}:
            return layer
        if isinstance(layer, int) and 0 <= layer < len(self.stages) and self.stages[layer]:
            return self.stages[layer]
        raise BadArgument(
            f'"{self.model}" has no layer {_quoted(layer)} ("{option}").{self._choice(str(layer))}'
        )

    def _choice(self, asked: str) -> str:
        near = difflib.get_close_matches(asked, {*self.stages, *self.modules}, n=3)
        meant = f" Did you mean {', '.join(map(_quoted, sorted(near)))}?" if near else ""
        children = [name for name in self.modules if "." not in name]
        listed = ", ".join(f"{index} {_quoted(name)}" for index, name in enumerate(self.stages))
        stages = f" Its feature levels are {listed}." if self.stages else ""
        modules = ", ".join(map(_quoted, children))
        return f"{meant}{stages} Any module that gives a map will do: {modules}, or one inside them."


def _quoted(name: str | int) -> str:
    return f'"{name}"' if isinstance(name, str) else str(name)
