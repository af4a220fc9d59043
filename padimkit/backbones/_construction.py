"""A module from its class path and arguments."""

import inspect
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from jsonargparse import ArgumentParser
from torch import nn

from padimkit.errors import BadArgument


def class_path_of(settings: Mapping[str, Any]) -> str:
    """The dotted path in the settings of a module.

    Raises:
        BadArgument: The settings have another form.
    """
    path = settings.get("class_path")
    if not isinstance(path, str) or not settings.keys() <= {"class_path", "init_args"}:
        raise BadArgument(f'Expected "module" with "class_path" and "init_args", got {settings}.')
    return path


def construct(settings: Mapping[str, Any]) -> nn.Module:
    """The module that the settings describe; its first weights are the same every time.

    Raises:
        BadArgument: There is no such class or function, it does not take the arguments, or makes no module.
    """
    path = class_path_of(settings)
    given = settings.get("init_args") or {}
    make = _resolved(path)
    try:
        module = made_alike(lambda: make(**_arguments(make, given)))
    except Exception as error:  # whatever a stranger's code raises
        raise BadArgument(f'"{path}" cannot be made with the arguments {given}: {error}') from error
    if not isinstance(module, nn.Module):
        raise BadArgument(f'"{path}" makes a {type(module).__name__}, expected a torch.nn.Module.')
    return module


def _resolved(path: str) -> Callable[..., Any]:
    module, _, name = path.rpartition(".")
    try:
        try:
            found = pkgutil.resolve_name(f"{module}:{name}")  # torchvision.models.vgg would be a module else
        except ImportError:
            found = pkgutil.resolve_name(path)  # a method: its class is no module
    except (ImportError, AttributeError, ValueError) as error:
        raise BadArgument(f'The module "{path}" cannot be imported: {error}.') from error
    if not callable(found):
        raise BadArgument(f'"{path}" is a {type(found).__name__}; expected a class or a function.')
    return found  # type: ignore[no-any-return]


def _arguments(make: Callable[..., Any], given: Any) -> dict[str, Any]:
    """Checked and converted by their annotations, where objects may be described by their class paths."""
    parser = ArgumentParser(exit_on_error=False)
    if inspect.isclass(make):
        parser.add_class_arguments(make, "module", instantiate=False, fail_untyped=False)
    elif inspect.ismethod(make):
        parser.add_method_arguments(make.__self__, make.__name__, "module", fail_untyped=False)
    else:
        parser.add_function_arguments(make, "module", fail_untyped=False)
    # Without defaults, which `make` knows better: some of torchvision's are classes and have to stay so.
    parsed = parser.parse_object({"module": given}, defaults=False)
    return dict(parser.instantiate(parsed).get("module", {}))


INITIAL_SEED = 0
T = TypeVar("T")


def made_alike(make: Callable[[], T]) -> T:
    """What `make` makes; torch's own random numbers are neither used nor disturbed."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(INITIAL_SEED)  # torch.manual_seed would reseed the GPUs too
        return make()
