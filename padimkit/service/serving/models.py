"""The names of the models of a server, by which requests choose one.

Apart from the command, whose words may name a model as a URL does.
"""

from collections.abc import Iterable
from pathlib import Path

from padimkit.errors import BadConfig


def named_models(words: Iterable[str]) -> dict[str, Path]:
    """Return the paths of models by their names, in the order of the words.

    A word is NAME=PATH, or a path alone, whose last part is the name.

    Raises:
        BadConfig: Two models have one name, or one has none.
    """
    found: dict[str, Path] = {}
    for word in words:
        name, path = _named(word)
        if not name or not name.isprintable():
            raise BadConfig(f'"{word}" gives no name for the model. Pass NAME=PATH.')
        if name in found:
            raise BadConfig(
                f'Two models are called "{name}": "{found[name]}" and "{path}". Pass NAME=PATH for one.'
            )
        found[name] = path
    return found


def _named(word: str) -> tuple[str, Path]:
    if not word:
        raise BadConfig('The path of a model is empty. Write "." for the folder itself.')
    name, equals, path = word.partition("=")
    if equals and not Path(word).exists():
        if not path:
            raise BadConfig(f'"{word}" names no model. Pass NAME=PATH.')
        return name, Path(path)
    return Path(word).resolve().name, Path(word)
