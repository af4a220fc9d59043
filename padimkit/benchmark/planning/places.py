"""The texts in settings that say where something is, and what stands for them in a key: its content.

It stands alone because it asks the classes of parts, where fingerprints read files only.
"""

import hashlib
import inspect
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeAlias, final, get_args, get_type_hints

from padimkit.benchmark.planning.fingerprint import digest_of
from padimkit.config.description import plugins_called
from padimkit.config.names import is_dotted
from padimkit.errors import BrokenPlugin
from padimkit.images.sample import Sample

_MOST_FILES = 10_000  # of a folder whose contents count
TOLD = ""  # stands for a folder of images, which a fingerprint tells, and for a file that a part writes
Kind: TypeAlias = Literal["path", "writes", ""]  # of an argument


def folders_of(samples: Iterable[Sample]) -> frozenset[Path]:
    """Return all folders that images and masks are in, at any depth."""
    files = {path.absolute() for sample in samples for path in (sample.path, *sample.masks)}
    return frozenset(
        folder for parent in {file.parent for file in files} for folder in (parent, *parent.parents)
    )


@final
class Places:
    """What stands for texts in settings that name files and folders, each of which is read once."""

    def __init__(self) -> None:
        self._kinds: dict[str, Mapping[str, Kind]] = {}
        self._contents: dict[Path, str | None] = {}

    def of_cell(self, settings: Mapping[str, Any], told: frozenset[Path]) -> dict[str, str]:
        """Return what stands for each text of a cell's settings that names a file or a folder.

        A text names one that exists if it is absolute, names a file, or is given for an argument that may be
        a `Path`. For a file stands the digest of its content, for a folder that of all files in it, unless
        there are more than 10,000: to read these would take minutes, and "/" may be no place at all.

        Args:
            settings: Resolved ones.
            told: Folders of its data, which the fingerprint tells.

        Raises:
            BadData: A file cannot be read.
        """
        others = [settings.get("pipeline"), settings.get("metrics")]
        return self._of(settings.get("data"), told) | self._of(others, frozenset())

    def _of(self, settings: Any, told: frozenset[Path]) -> dict[str, str]:
        found: dict[str, str] = {}
        for text, kind in self._texts(settings, ""):
            if kind == "writes":
                found[text] = TOLD
            elif text not in found and _is_place(text, is_path=kind == "path"):
                path = Path(text).expanduser().absolute()
                content = TOLD if path in told else self._content(path)
                found |= {} if content is None else {text: content}
        return found

    def _texts(self, value: Any, kind: Kind) -> Iterator[tuple[str, Kind]]:
        """Yield all texts, each with the kind of its argument."""
        if isinstance(value, str):
            yield value, kind
        elif isinstance(value, Mapping):
            kinds = self._kinds_of(value.get("class_path"))
            for name, inner in value.items():
                if name == "init_args" and isinstance(inner, Mapping):
                    for argument, one in inner.items():
                        yield from self._texts(one, kinds.get(argument, ""))
                elif name != "class_path":
                    yield from self._texts(inner, kind)
        elif isinstance(value, list | tuple):
            for inner in value:
                yield from self._texts(inner, kind)

    def _kinds_of(self, name: object) -> Mapping[str, Kind]:
        if not isinstance(name, str) or is_dotted(name):
            return {}
        if name not in self._kinds:
            self._kinds[name] = _kinds_called(name)
        return self._kinds[name]

    def _content(self, path: Path) -> str | None:
        if path not in self._contents:
            self._contents[path] = digest_of(path).hex() if path.is_file() else _content_of_folder(path)
        return self._contents[path]


def _kinds_called(name: str) -> dict[str, Kind]:
    """Return the kinds of those arguments of the parts of this name which name files."""
    found: dict[str, Kind] = {}
    for plugin in plugins_called(name):
        try:
            part = plugin.load()
        except BrokenPlugin:
            continue
        found |= {argument: "path" for argument, hint in _hints_of(part).items() if _may_be_path(hint)}
        found |= {argument: "writes" for argument in part.writes}
    return found


def _hints_of(part: type[Any]) -> dict[str, Any]:
    try:
        return get_type_hints(part.__init__)
    except (NameError, TypeError, AttributeError):  # hints of a stranger may be anything
        return {}


def _may_be_path(hint: Any) -> bool:
    return (inspect.isclass(hint) and issubclass(hint, Path)) or any(map(_may_be_path, get_args(hint)))


def _is_place(text: str, *, is_path: bool) -> bool:
    try:
        path = Path(text).expanduser()
        is_there = bool(text) and path.exists()  # nothing would name the working folder
        return is_there and (is_path or path.is_absolute() or path.is_file())
    except (OSError, ValueError, RuntimeError):  # too long, with a null character, or of an unknown user
        return False


def _content_of_folder(folder: Path) -> str | None:
    digest, files = hashlib.sha256(), (one for one in folder.rglob("*") if one.is_file())
    found = sorted(islice(files, _MOST_FILES + 1))
    if len(found) > _MOST_FILES:
        return None
    for path in found:
        digest.update(f"{path.relative_to(folder).as_posix()}\n".encode(errors="surrogateescape"))
        digest.update(digest_of(path))
    return digest.hexdigest()
