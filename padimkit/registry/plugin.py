"""One plugin: an entry point of an installed distribution, imported when it is used and not before."""

import inspect
import logging
import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint
from typing import Any

from padimkit.errors import BrokenPlugin
from padimkit.files.packages import canonical
from padimkit.registry.families import find_family
from padimkit.registry.modules import collector_at_rest, prints_set_aside

# The family's entry points stand in the group "padimkit.<family>"; plugins for a later version of the
# contracts stand in "padimkit.<family>.v<version>", so that the version is known without an import.
_log = logging.getLogger(__name__)
_OWN = "padimkit"  # the distribution whose plugins keep their names
_UNUSABLE = re.compile(r"[.:/\s]|^-|^$")  # in settings these part or begin something else


@dataclass(frozen=True)
class Plugin:
    """One entry point: a name, the distribution that provides it, and the path of its class."""

    family: str
    name: str
    distribution: str
    version: str
    contract_version: int
    entry_point: EntryPoint

    @property
    def full_name(self) -> str:
        """Return `distribution:name`, which is never ambiguous."""
        return f"{self.distribution}:{self.name}"

    @property
    def title(self) -> str:
        """Return name, family, distribution and version, for errors."""
        return f'Plugin "{self.name}" ({self.family}) of {self.distribution} {self.version}'

    @property
    def is_built_in(self) -> bool:
        """Return whether padimkit provides it, so that its name means it whatever else is installed."""
        return canonical(self.distribution) == _OWN

    def is_called(self, name: str) -> bool:
        """Return whether this is its name, or its full name in any spelling of the distribution."""
        distribution, colon, short = name.rpartition(":")
        return name == self.name or (
            bool(colon) and short == self.name and canonical(distribution) == canonical(self.distribution)
        )

    @property
    def module(self) -> str:
        """Return the dotted path of the module of the class; any text if the entry point is malformed."""
        return self.entry_point.value.partition(":")[0].strip()

    @property
    def class_path(self) -> str:
        """Return the dotted path of the class."""
        return self.entry_point.value.split("[")[0].strip().replace(":", ".")

    @property
    def age(self) -> int:
        """Return how many versions its contract is behind that of this padimkit; negative if it is ahead."""
        return find_family(self.family).version - self.contract_version

    @property
    def fits(self) -> bool:
        """Return whether it is made for the contract of this padimkit, or for the version before."""
        return self.age in (0, 1)

    @property
    def has_usable_name(self) -> bool:
        """Return whether settings can name it: dots, colons and slashes stand for something else there."""
        return _UNUSABLE.search(self.name) is None

    @property
    def is_well_formed(self) -> bool:
        """Return whether its entry point names a module and a class in it."""
        return re.fullmatch(r"[\w.]+\s*:\s*[\w.]+\s*(\[[^]]*\]\s*)?", self.entry_point.value) is not None

    def load(self) -> type[Any]:
        """Return the class, imported and checked against the contract of its family.

        Its prints on import go to standard error.

        Raises:
            BrokenPlugin: Its contract version does not fit, or it cannot be imported, or is of a wrong kind.
        """
        who = self.title
        if not self.fits:
            raise BrokenPlugin(
                f"{who} is made for version {self.contract_version} of the contracts, and this padimkit has "
                f"version {find_family(self.family).version}: "
                f"upgrade {self.distribution if self.age > 0 else 'padimkit'}."
            )
        if not self.is_well_formed:
            raise BrokenPlugin(
                f'{who} cannot be found: its entry point "{self.entry_point.value}" is not "module:Class".'
            )
        try:
            with prints_set_aside(), collector_at_rest():
                loaded = self.entry_point.load()
        except (Exception, SystemExit) as error:  # a stranger's module may raise anything
            raise BrokenPlugin(f"{who} cannot be imported: {_cause(error)}{self._hint(error)}") from error
        family = find_family(self.family)
        contract = family.load_contract()
        if not (isinstance(loaded, type) and issubclass(loaded, contract)):
            raise BrokenPlugin(
                f'{who}: "{self.entry_point.value}" is {loaded!r}; expected a subclass of '
                f"{family.module}.{contract.__name__}."
            )
        if lacking := missing_methods(loaded):
            raise BrokenPlugin(f'{who}: "{self.entry_point.value}" {lacking}.')
        if self.age:
            _tell_age(who, self.distribution)
        return loaded

    def _hint(self, error: BaseException) -> str:
        if isinstance(error, ImportError) and self.entry_point.extras:
            extras = ",".join(self.entry_point.extras)
            return f". Install it with: pip install '{self.distribution}[{extras}]'"
        return "."


@cache  # once for each plugin, however often it is used
def _tell_age(who: str, distribution: str) -> None:
    _log.warning(
        "%s is made for the last version of the contracts, which this padimkit still takes and the next one "
        "will not: upgrade %s.",
        who,
        distribution,
    )


def missing_methods(part: type[Any]) -> str:
    """Return in words which methods of its contracts a class lacks; empty if it has them all."""
    if not inspect.isabstract(part):
        return ""
    contracts = {
        name: base.__name__
        for base in reversed(part.__mro__)
        for name in part.__abstractmethods__
        if name in vars(base)
    }
    listed = [f'"{name}" ({contracts[name]})' for name in sorted(part.__abstractmethods__)]
    return f"lacks {' and '.join(listed)}, so that it cannot be made"


def _cause(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(".")
