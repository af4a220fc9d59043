"""A single check of a contract, the promise that it tests and the violations that it finds."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from traceback import walk_tb
from typing import Any, TypeAlias, TypeVar, final

from padimkit.arguments.checked import Checked
from padimkit.errors import BadArgument, NotFitted
from padimkit.testing.inputs.scale import made_up_for
from padimkit.testing.program import fixed_random_state, one_thread, program_restored

T = TypeVar("T")
Make: TypeAlias = Callable[
    [], Any
]  # returns a fresh instance at each call; a class without required arguments will do
Function: TypeAlias = Callable[[Make], None]


@final
class ContractViolation(AssertionError):
    """Raised if a part breaks a promise of its contract."""

    def __init__(self, part: str, check: str, finding: str) -> None:
        self.part = part
        self.check = check
        self.finding = finding

    def __str__(self) -> str:
        return f'{self.part} fails the check "{self.check}": {self.finding}'

    def __reduce__(self) -> tuple[type["ContractViolation"], tuple[str, str, str]]:
        return ContractViolation, (self.part, self.check, self.finding)


@final
class NotApplicable(Exception):
    """Raised if a check does not concern this part or cannot run on this machine; the message says why."""


@final
class CannotBeChecked(Exception):
    """Raised if a part refuses its own arguments, or the made-up data with these; the message says why."""


@final
class Finding(Exception):
    """Raised by the function of a check, in words; `Check` adds the names of the part and the check."""


def require(kept: bool, finding: str) -> None:
    """Raise the finding unless the promise is kept."""
    if not kept:
        raise Finding(finding)


def require_not_fitted(method: str, call: Callable[[], object]) -> None:
    """Require the call, which comes before fit, to raise NotFitted; `method` names it in the finding."""
    expected = f"Expected {method} to raise NotFitted before fit"
    try:
        call()
    except NotFitted:
        return
    except Exception as error:  # without what fit would have set, a stranger's class may raise anything
        require(False, f"{expected}, found {described(error)}")
    require(False, f"{expected}, found that it returned.")


@dataclass(frozen=True)
class Check:
    """A promise of a contract and the function that tests it; a call raises if the promise is broken.

    Args:
        contract: The contract of the family.
        name: The name of the function.
        description: The promise, as the first line of the docstring of the function states it.
        function: Raises a `Finding` if the promise is broken.
    """

    contract: type[Any]
    name: str
    description: str
    function: Function

    def __call__(self, make: Make) -> None:
        """Test the promise on fresh instances.

        Raises:
            ContractViolation: The promise is broken.
            NotApplicable: The promise does not concern this part, as its class may say (`Checked`), or
                cannot be tested on this machine.
            CannotBeChecked: The part raised BadArgument.
        """
        __tracebackhide__ = True  # pytest then points to the caller
        maker = _Maker(self.contract, make)
        try:
            with one_thread(), program_restored(), fixed_random_state():
                checked = maker.begin()
            if self.name in checked.excused:
                raise NotApplicable(f"{maker.name} is excused: {checked.excused[self.name]}")
            with one_thread(), program_restored(), fixed_random_state(), made_up_for(checked):
                self.function(maker)
        except Finding as finding:
            raise ContractViolation(maker.name, self.name, str(finding)) from None
        except NotApplicable:
            raise
        except BadArgument as error:
            raise CannotBeChecked(f"{maker.name} cannot be checked like this: {error}") from error
        except Exception as error:  # a stranger's class may raise anything
            told = f"It raised {described(error)}{maker.place(error)}"
            raise ContractViolation(maker.name, self.name, told) from error


def checks(contract: type[Any], *functions: Function) -> tuple[Check, ...]:
    """Return a check for each function, with its name and the first line of its docstring."""
    return tuple(_check(contract, function, function) for function in functions)


def checks_with(contract: type[Any], argument: T, *functions: Callable[[Make, T], None]) -> tuple[Check, ...]:
    """Return a check for each function of two arguments, all with the same second argument."""
    return tuple(_check(contract, function, _with(function, argument)) for function in functions)


def described(error: BaseException) -> str:
    """Return the type and the message of an error."""
    return f"{type(error).__name__}: {error}".rstrip(":. ") + "."


def _check(contract: type[Any], named: Callable[..., None], function: Function) -> Check:
    lines = (inspect.getdoc(named) or "").splitlines()
    return Check(contract, named.__name__, lines[0] if lines else "", function)


def _with(function: Callable[[Make, T], None], argument: T) -> Function:
    return lambda make: function(make, argument)


class _Maker:
    """A maker of instances that requires them to be fresh and of the contract, and remembers their name."""

    def __init__(self, contract: type[Any], make: Make) -> None:
        self.name = f"This {contract.__name__}"
        self._contract = contract
        self._make = make
        self._made: list[Any] = []
        self._ready: list[Any] = []

    def begin(self) -> Checked:
        """Make the instance that the check will be given first, and return what its class says of checks."""
        self._ready.append(self._new())
        checked: Checked = self._ready[0].checked
        expected = 'Expected the class attribute "checked" to be padimkit.Checked'
        require(isinstance(checked, Checked), f"{expected}, found {checked!r}.")
        return checked

    def place(self, error: BaseException) -> str:
        """Say at which line of the part's module it was; of an error elsewhere, nothing."""
        modules = {type(part).__module__ for part in self._made}
        lines = walk_tb(error.__traceback__)
        own = [(frame, line) for frame, line in lines if frame.f_globals.get("__name__") in modules]
        return f" See line {own[-1][1]} of {Path(own[-1][0].f_code.co_filename).name}." if own else ""

    def __call__(self) -> Any:
        return self._ready.pop() if self._ready else self._new()

    def _new(self) -> Any:
        part = self._make()
        self.name = type(part).__name__
        expected = f'Expected "make" to return a fresh {self._contract.__name__} at each call'
        require(isinstance(part, self._contract), f"{expected}, found {part!r}.")
        require(all(part is not other for other in self._made), f"{expected}, found the same one twice.")
        self._made.append(part)
        return part
