"""Which tensors take part in a computation."""

from collections.abc import Iterable, Iterator
from typing import Any, final

from torch import Tensor
from torch.overrides import TorchFunctionMode


@final
class Touched(TorchFunctionMode):
    """Notes the `id` of every tensor that is handed to a function of torch inside its `with` block."""

    def __init__(self) -> None:
        super().__init__()
        self.identities: set[int] = set()

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        self.identities.update(id(tensor) for tensor in _tensors((*args, *named.values())))
        return func(*args, **named)


def _tensors(values: Iterable[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)
