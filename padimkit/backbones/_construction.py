"""The construction of a module from its class path and arguments."""

import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from typing import Any, TypeVar

import torch
from jsonargparse import ArgumentParser
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from padimkit.errors import BadArgument


def class_path_of(settings: Mapping[str, Any]) -> str:
    """Return the dotted path in the settings of a module.

    Raises:
        BadArgument: The settings do not have the form of a class path with arguments.
    """
    path = settings.get("class_path")
    if not isinstance(path, str) or not settings.keys() <= {"class_path", "init_args"}:
        raise BadArgument(f'Expected "module" with "class_path" and "init_args", got {settings}.')
    return path


def construct(settings: Mapping[str, Any]) -> nn.Module:
    """Return the module that the settings describe; its initial weights are always the same.

    Raises:
        BadArgument: The class or function does not exist, refuses the arguments, or does not make a module.
    """
    path = class_path_of(settings)
    given = settings.get("init_args") or {}
    make = _resolved(path)
    try:
        module = made_alike(lambda: make(**_arguments(make, given)))
    except Exception as error:  # foreign code may raise anything
        raise BadArgument(f'"{path}" cannot be made with the arguments {given}: {error}') from error
    if not isinstance(module, nn.Module):
        raise BadArgument(f'"{path}" makes a {type(module).__name__}, expected a torch.nn.Module.')
    return module


def _resolved(path: str) -> Callable[..., Any]:
    module, _, name = path.rpartition(".")
    try:
        try:
            found = pkgutil.resolve_name(f"{module}:{name}")  # else torchvision.models.vgg would be a module
        except ImportError:
            found = pkgutil.resolve_name(path)  # a method: its class is not a module
    except (ImportError, AttributeError, ValueError) as error:
        raise BadArgument(f'The module "{path}" cannot be imported: {error}.') from error
    if not callable(found):
        raise BadArgument(f'"{path}" is a {type(found).__name__}; expected a class or a function.')
    return found  # type: ignore[no-any-return]


def _arguments(make: Callable[..., Any], given: Any) -> dict[str, Any]:
    """Check and convert the arguments by their annotations; objects may be given by their class paths."""
    parser = ArgumentParser(exit_on_error=False)
    if inspect.isclass(make):
        parser.add_class_arguments(make, "module", instantiate=False, fail_untyped=False)
    elif inspect.ismethod(make):
        parser.add_method_arguments(make.__self__, make.__name__, "module", fail_untyped=False)
    else:
        parser.add_function_arguments(make, "module", fail_untyped=False)
    # Without defaults, which `make` knows better: some of torchvision's are classes and must stay classes.
    parsed = parser.parse_object({"module": given}, defaults=False)
    return dict(parser.instantiate(parsed).get("module", {}))


INITIAL_SEED = 0
T = TypeVar("T")
_MAKING = RLock()  # networks draw from torch's one generator, which another thread would seed anew meanwhile


def made_alike(make: Callable[[], T]) -> T:
    """Return the result of `make` under a fixed seed; torch's global random state stays as it was."""
    with _MAKING, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(INITIAL_SEED)  # torch.manual_seed would reseed the GPUs too
        return make()


@contextmanager
def undrawn() -> Iterator[None]:
    """Leave at 0 parameters that would be drawn at random in the block, for those that are read later.

    Most of the time that it takes to make a ResNet is spent on numbers that nobody uses. What draws by
    another name than the parameter's, such as its `data`, draws as ever.
    """
    with _Undrawn():  # type: ignore[no-untyped-call]
        yield


_DRAWS = (torch.ops.aten.uniform_.default, torch.ops.aten.normal_.default)


class _Undrawn(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __torch_dispatch__(
        self, operation: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if operation in _DRAWS and isinstance(args[0], nn.Parameter):
            return args[0].zero_()
        return operation(*args, **kwargs or {})
