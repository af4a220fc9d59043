"""One plugin among those of all families, by the words that a person uses."""

from padimkit.errors import AmbiguousPlugin, BadArgument, UnknownPlugin
from padimkit.registry import CONTRACTS, Plugin, Registry, installed
from padimkit.spelling import did_you_mean, near_misses

NAMES = "A name, family/name where several families have one, or distribution:name."  # for --help
SINGULAR = {
    "backbones": "backbone",
    "reducers": "reducer",
    "densities": "density",
    "metrics": "metric",
    "datasets": "dataset",
}


def find_family(word: str) -> str:
    """The family of this name, in the plural or the singular.

    Raises:
        BadArgument: There is none; near misses are named.
    """
    for family in CONTRACTS:
        if word in (family, SINGULAR[family]):
            return family
    raise BadArgument(f'There is no family "{word}".{did_you_mean(word, SINGULAR.values())}')


def find_plugin(name: str) -> Plugin:
    """The plugin called `name`, `distribution:name`, or one of these after `family/`; it is not imported.

    Raises:
        UnknownPlugin: There is none; near misses are named.
        AmbiguousPlugin: There are several; the names that tell them apart are given.
    """
    family, slash, rest = name.partition("/")
    if slash:
        return Registry(find_family(family)).find(rest)
    plugins = installed()
    matches = {p: short for p, short in plugins.items() if name in (p.name, p.full_name)}
    if len(matches) > 1:
        choices = ", ".join(f'"{plugin.family}/{short}"' for plugin, short in matches.items())
        raise AmbiguousPlugin(f'There are several plugins "{name}". Use one of {choices}.')
    for plugin in matches:
        return plugin
    near = near_misses(name, {p.name for p in plugins} | {p.full_name for p in plugins})
    raise UnknownPlugin(f'There is no plugin "{name}".{near} List all with: padimkit plugins list')
