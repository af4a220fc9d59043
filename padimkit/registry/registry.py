"""Plugins of a family by name, from the entry points of all installed distributions; listing imports none."""

from collections import Counter
from collections.abc import Collection, Iterable
from importlib.metadata import EntryPoint
from typing import Any, final

from padimkit.errors import AmbiguousPlugin, BadArgument, BrokenPlugin, UnknownPlugin, near_misses
from padimkit.registry.entries import entries
from padimkit.registry.families import FAMILIES, find_family
from padimkit.registry.plugin import Plugin
from padimkit.registry.published import to_install

NAMES = "A name, family/name where several families have one, or distribution:name."  # for --help
_ORDER = tuple(family.plural for family in FAMILIES)

SESSION = "session"  # stands for a distribution where a program has added a class
_SESSION: dict[tuple[str, str], Plugin] = {}


@final
class Registry:
    """The plugins of one family, which is named in the plural or the singular.

    Raises:
        BadArgument: There is no such family; near misses are named.

    >>> Registry("reducers").find("pca").class_path
    'padimkit.reducers.pca.PCA'
    """

    def __init__(self, family: str) -> None:
        self.family = find_family(family).plural

    def add(self, part: type[Any], name: str) -> None:
        """Give a class of this program a name, as an entry point would, until the program ends.

        For notebooks and trials: nothing is installed. The same name can be given again, to a changed class.
        A stored model with it can be loaded where it has been added too. Cells of a benchmark, which are
        programs of their own, do not know it.

        Raises:
            BadArgument: It is not a class, is of another family, lacks a method, or is not at the top of its
                module, or the name cannot stand in settings, or is one of an installed plugin.
        """
        if not isinstance(part, type):
            raise BadArgument(f'Expected a class for "{name}" ({self.family}), got {part!r}.')
        plugin = _of_session(self.family, part, name)
        others = [p for p in self.plugins() if p.name == name and p.distribution != SESSION]
        for other in _called(name, others):  # the one that the name means
            raise BadArgument(
                f'"{name}" ({self.family}) is a plugin of {other.distribution}. Choose another name.'
            )
        if not plugin.has_usable_name:
            raise BadArgument(f'"{name}" cannot be named in settings: use letters, digits and "_".')
        try:
            is_found = plugin.load() is part
        except BrokenPlugin as error:
            hint = " Define the class at the top of a module or notebook." if _is_hidden(part, error) else ""
            raise BadArgument(f"{error}{hint}") from error
        if not is_found:
            raise BadArgument(f'"{plugin.class_path}" is another class by now. Add the one that is there.')
        _SESSION[self.family, name] = plugin

    def plugins(self) -> list[Plugin]:
        """Return all plugins of the family in the order of their names; imports none of them.

        Ambiguous names and plugins for other versions of the contracts are included.
        """
        return list(self._named())

    def names(self) -> list[str]:
        """Return the names that can be used, in the form `distribution:name` where the short one is taken."""
        return list(self._named().values())

    def find(self, name: str) -> Plugin:
        """Return the plugin of this name, or of this `distribution:name`, without importing it.

        A short name that padimkit and others have is that of padimkit.

        Raises:
            UnknownPlugin: There is none; near misses are named.
            AmbiguousPlugin: Several distributions other than padimkit provide it.
        """
        plugins = self.plugins()
        matches = _called(name, plugins)
        if len(matches) > 1:
            _require_told_apart(matches)
            choices = ", ".join(f'"{plugin.full_name}"' for plugin in matches)
            raise AmbiguousPlugin(
                f'"{name}" ({self.family}) is provided by several distributions. Use one of {choices}.'
            )
        if not matches:
            near = near_misses(name, sorted({p.name for p in plugins} | {p.full_name for p in plugins}))
            raise UnknownPlugin(
                f'No plugin "{name}" in the family "{self.family}".{to_install(name) or near} '
                "List all with: padimkit plugins list"
            )
        return matches[0]

    def load(self, name: str) -> type[Any]:
        """Return the class of this name; only this plugin is imported.

        Raises:
            UnknownPlugin: There is none; near misses are named.
            AmbiguousPlugin: Several distributions other than padimkit provide it.
            BrokenPlugin: It cannot be imported or is not what its entry point says.
        """
        return self.find(name).load()

    def name_of(self, part: type[Any]) -> str | None:
        """Return the name under which this class is registered, or None if no entry point leads to it."""
        path = f"{part.__module__}.{part.__qualname__}"
        named = self._named()
        names = {plugin: named[plugin] for plugin in sorted(named, key=lambda p: not p.is_built_in)}
        for plugin, name in names.items():
            if plugin.class_path == path:
                return name
        for plugin, name in names.items():  # an entry point may name a re-export of the class
            if _package(plugin.class_path) == _package(path) and _leads_to(plugin, part):
                return name
        return None

    def _named(self) -> dict[Plugin, str]:
        return installed([self.family])


def installed(families: Collection[str] = _ORDER) -> dict[Plugin, str]:
    """Return all plugins of these families, in this order, with their names; imports none.

    Ambiguous names and plugins for other versions of the contracts are included. The value is the name by
    which a plugin is used: `distribution:name` where the short name is one of padimkit's, or ambiguous.
    """
    known = (*entries(), *_SESSION.values())
    plugins = [plugin for plugin in known if plugin.family in families]
    found = sorted(_fitting(plugins), key=lambda p: (_ORDER.index(p.family), p.name, p.distribution))
    count = Counter((plugin.family, plugin.name) for plugin in found)
    return {p: p.name if p.is_built_in or count[p.family, p.name] == 1 else p.full_name for p in found}


def _is_hidden(part: type[Any], error: BrokenPlugin) -> bool:
    return error.__cause__ is not None or "<locals>" in part.__qualname__


def _of_session(family: str, part: type[Any], name: str) -> Plugin:
    path = f"{part.__module__}:{part.__qualname__}"
    version = find_family(family).version
    return Plugin(family, name, SESSION, "0", version, EntryPoint(name, path, f"padimkit.{family}"))


def _called(name: str, plugins: Collection[Plugin]) -> list[Plugin]:
    """Return the plugins of this name, of which those of padimkit count alone if there are any."""
    matches = [plugin for plugin in plugins if plugin.is_called(name)]
    return [plugin for plugin in matches if plugin.is_built_in] or matches


def _require_told_apart(plugins: Iterable[Plugin]) -> None:
    """Raise AmbiguousPlugin if one distribution has two plugins of a name in a family."""
    paths: dict[tuple[str, str], list[str]] = {}
    for plugin in plugins:
        paths.setdefault((plugin.family, plugin.full_name), []).append(f'"{plugin.entry_point.value}"')
    for (family, name), several in paths.items():
        if len(several) > 1:
            raise AmbiguousPlugin(
                f'"{name}" ({family}) stands for {" and ".join(several)} in one distribution, so that no '
                "name tells them apart: its author must rename all but one."
            )


def _fitting(plugins: list[Plugin]) -> list[Plugin]:
    """Leave out entry points for other versions where the distribution has the same plugin for ours.

    One for the version before ours counts where there is none for ours.
    """
    best: dict[tuple[str, str], int] = {}
    for one in (plugin for plugin in plugins if plugin.fits):
        key = one.family, one.full_name
        best[key] = max(one.contract_version, best.get(key, 0))
    return [p for p in plugins if best.get((p.family, p.full_name), p.contract_version) == p.contract_version]


def _package(path: str) -> str:
    return path.split(".")[0]


def _leads_to(plugin: Plugin, part: type[Any]) -> bool:
    try:
        return plugin.load() is part
    except BrokenPlugin:
        return False


def called_in_families(name: str, families: Collection[str]) -> list[Plugin]:
    """Return what a name means in each of these families that has it and knows which is meant.

    All are looked through at once: a suite asks for the name of each part of its cells.
    """
    plugins = installed(families)
    found = {family: _called(name, [p for p in plugins if p.family == family]) for family in families}
    return [matches[0] for matches in found.values() if len(matches) == 1]


def find_plugin(name: str) -> Plugin:
    """Return the plugin called `name`, `distribution:name`, or one of these after `family/`; imports nothing.

    Raises:
        UnknownPlugin: There is none; near misses are named.
        AmbiguousPlugin: There are several; the names that tell them apart are given.
    """
    family, slash, rest = name.partition("/")
    if slash:
        return Registry(find_family(family).plural).find(rest)
    plugins = installed()
    matches = {plugin: plugins[plugin] for plugin in _called(name, plugins)}
    if len(matches) > 1:
        _require_told_apart(matches)
        choices = ", ".join(f'"{plugin.family}/{short}"' for plugin, short in matches.items())
        raise AmbiguousPlugin(f'There are several plugins "{name}". Use one of {choices}.')
    for plugin in matches:
        return plugin
    near = near_misses(name, sorted({p.name for p in plugins} | {p.full_name for p in plugins}))
    raise UnknownPlugin(
        f'There is no plugin "{name}".{to_install(name) or near} List all with: padimkit plugins list'
    )
