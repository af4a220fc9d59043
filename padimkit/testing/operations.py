"""A view of the operations of torch within a block, one by one.

Apart from the checks that ask for them: of devices, and of threads.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from torch.utils._python_dispatch import TorchDispatchMode

Seen: TypeAlias = Callable[[str, Any], None]  # the name of an operation, and what it is given


@contextmanager
def each_operation(seen: Seen) -> Iterator[None]:
    """Call a function ahead of each operation of this thread within the block."""
    with _Mode(seen):
        yield


class _Mode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, seen: Seen) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._seen = seen

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # or torch imports its compiler, which takes more than a second

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self._seen(operation.overloadpacket.__name__, (args, kwargs))
        return operation(*args, **kwargs or {})
