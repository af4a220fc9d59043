"""Short names of classes in configurations, and back."""

import importlib
from collections.abc import Mapping
from typing import Any

from padimkit.contracts import Backbone, Mapper, Metric, Reducer
from padimkit.errors import BadConfig
from padimkit.pipeline.anomaly_map import AnomalyMap
from padimkit.registry.families import FAMILIES
from padimkit.registry.modules import prints_set_aside
from padimkit.registry.plugin import missing_methods
from padimkit.registry.registry import Registry

FAMILY_OF: dict[type[Any], str] = {family.load_contract(): family.plural for family in FAMILIES}
# By contract: the built-in plugin that adapts objects of other packages, its argument, and these packages.
_ADAPTERS: dict[type[Any], tuple[str, str, tuple[str, ...]]] = {
    Backbone: ("torch_module", "module", ("torch", "torchvision", "transformers")),
    Reducer: ("scikit_learn", "estimator", ("sklearn",)),
    Metric: ("torchmetrics", "metric", ("torchmetrics",)),
}
# By contract: the class that is meant where settings give arguments alone.
USUAL: dict[type[Any], type[Any]] = {Mapper: AnomalyMap}
SLOTS: tuple[type[Any], ...] = tuple(FAMILY_OF)


def is_slot(hint: object) -> bool:
    """Return whether a value of this type is configured by `class_path` and `init_args`."""
    return isinstance(hint, type) and hint in SLOTS


def as_part(value: Any, slot: type[Any] | None) -> Any:
    """Return a setting with `class_path` for a name, and for the arguments alone of a usual class."""
    if isinstance(value, str):
        return {"class_path": value}
    if slot in USUAL and isinstance(value, Mapping) and not {"class_path", "init_args"} & value.keys():
        usual = USUAL[slot]
        return {"class_path": f"{usual.__module__}.{usual.__qualname__}", "init_args": value}
    return value


def find_class(name: str, slot: type[Any]) -> tuple[str, type[Any]]:
    """Return the dotted path and the class that a name stands for in a slot; a dotted name is its own path.

    Raises:
        UnknownPlugin: There is none of this name; near misses are named.
        BrokenPlugin: It cannot be imported.
    """
    if is_dotted(name):
        found = import_dotted(name)
        if not isinstance(found, type):
            raise BadConfig(f'"{name}" is {found!r}; expected a class.{_adapter(name, slot)}')
        if slot in FAMILY_OF and not issubclass(found, slot):
            raise BadConfig(
                f'"{name}" is not a {slot.__name__}; expected a subclass of it.{_adapter(name, slot)}'
            )
        if slot in FAMILY_OF and (lacking := missing_methods(found)):
            raise BadConfig(f'"{name}" {lacking}.')
        return name, found
    plugin = Registry(FAMILY_OF[slot]).find(name)
    return plugin.class_path, plugin.load()


def require_name(name: str, key: str) -> None:
    """Check that a text can be the name of a plugin, or a dotted path.

    Raises:
        BadConfig: It is empty, relative, or holds what no path does; the message names the key.
    """
    parts = name.split(".") if is_dotted(name) else [name.strip()]
    if not all(part.isidentifier() if is_dotted(name) else part for part in parts):
        raise BadConfig(f'"{key}" is "{name}"; expected the name of a plugin, or module.Class.')


def is_dotted(name: str) -> bool:
    """Return whether a name is a dotted path; `distribution:name` may have dots too."""
    return "." in name and ":" not in name


def is_registered(path: str, slot: type[Any]) -> bool:
    """Return whether a dotted path is that of an installed plugin for this slot; nothing is imported."""
    return any(plugin.class_path == path for plugin in Registry(FAMILY_OF[slot]).plugins())


def _adapter(name: str, slot: type[Any]) -> str:
    adapter, argument, packages = _ADAPTERS.get(slot, ("", "", ()))
    if name.split(".")[0] not in packages:
        return ""
    return f" Wrap it: {{class_path: {adapter}, init_args: {{{argument}: {{class_path: {name}}}}}}}."


def short_name(part: type[Any]) -> str:
    """Return the name by which settings find this class: the registered one, else its dotted path."""
    families = [family for contract, family in FAMILY_OF.items() if issubclass(part, contract)]
    names = [name for family in families if (name := Registry(family).name_of(part))]
    return names[0] if names else f"{part.__module__}.{part.__qualname__}"


def import_dotted(path: str) -> Any:
    """Return what a dotted path names.

    Raises:
        BadConfig: It cannot be imported.
    """
    module, _, name = path.rpartition(".")
    require_name(path, "class_path")
    try:
        with prints_set_aside():
            return getattr(importlib.import_module(module), name)
    except (Exception, SystemExit) as error:  # a stranger's module may raise anything
        raise BadConfig(f'"{path}" cannot be imported: {error}.') from error


def labels(metrics: list[dict[str, Any]]) -> list[str]:
    """Return a name for each metric of the settings: the plugin's, with its arguments where two share it.

    Raises:
        BadConfig: There are no metrics, or two are the same.
    """
    names = [metric["class_path"] for metric in metrics]
    found = [
        _label(metric) if names.count(name) > 1 or _holds_a_part(metric) else name
        for name, metric in zip(names, metrics, strict=True)
    ]
    twice = sorted({label for label in found if found.count(label) > 1})
    if twice or not found:
        raise BadConfig(f'"metrics" has {", ".join(twice)} twice.' if twice else '"metrics" is empty.')
    return found


def _holds_a_part(metric: Mapping[str, Any]) -> bool:
    return any(isinstance(value, Mapping) for value in (metric.get("init_args") or {}).values())


def _label(metric: Mapping[str, Any]) -> str:
    arguments = (metric.get("init_args") or {}).items()
    listed = ", ".join(f"{name}={_brief(value)}" for name, value in arguments)
    return f"{metric['class_path']}({listed})" if listed else str(metric["class_path"])


def _brief(value: Any) -> Any:
    return value["class_path"].rpartition(".")[2] if isinstance(value, Mapping) else value
