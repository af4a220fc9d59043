"""A backbone whose maps are computed once for equal images, by whichever cell needs them first."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.benchmark.planning.fingerprint import files_named
from padimkit.benchmark.running.feature_store import FeatureStore
from padimkit.contracts import Backbone, Stateful, TellsWeights
from padimkit.pipeline.embedder import WrappedBackbone
from padimkit.values import Features

_DESCRIPTOR = "\0"  # no layer has this name
_KEPT = (torch.float16, torch.float32, torch.float64)
Axes: TypeAlias = list[int]  # of a tensor, from the one with the longest steps in memory to the shortest


@dataclass(frozen=True)
class Identity:
    """The digests of what maps depend on, beside the images.

    Args:
        whole: Of everything.
        layers: Without the arguments that only say which maps are returned.
    """

    whole: str
    layers: str

    @classmethod
    def of(cls, backbone: Backbone, settings: dict[str, Any], programs: object) -> "Identity":
        """Return the identity of a backbone, whose weights are read if they have not been.

        Args:
            backbone: The backbone.
            settings: Those that it was made of.
            programs: The versions and the machine that it runs with.
        """
        known = {"files": files_named(settings), "weights": _weights_of(backbone), "programs": programs}
        known["numbers"] = torch.__config__.show()  # which instructions of the processor are used, too
        chosen = type(backbone).selects
        arguments = {
            name: one for name, one in (settings.get("init_args") or {}).items() if name not in chosen
        }
        return cls(
            whole=_digest(known | {"settings": settings}),
            layers=_digest(known | {"settings": settings | {"init_args": arguments}}),
        )


@dataclass(frozen=True)
class _Layout:
    """The tensors of features in their order, by name.

    Args:
        axes: The order of their axes in memory, on which the last bit of a sum may depend.
        alone: True if a map differs from that of the same layer in a backbone with other layers.
    """

    axes: dict[str, Axes]
    alone: bool


@final
class SharedBackbone(WrappedBackbone):
    """A backbone that computes only what the store does not have.

    Args:
        backbone: Computes it.
        store: Keeps it.
        identity: Tells backbones apart.
    """

    def __init__(self, backbone: Backbone, store: FeatureStore, identity: Identity) -> None:
        self.backbone = backbone
        self.store = store
        self.identity = identity
        self._device = torch.device("cpu")
        self._layouts: dict[str, _Layout] = {}

    @property
    def inner(self) -> Backbone:
        return self.backbone

    def extract(self, images: Float[Tensor, "b 3 H W"]) -> Features:
        content = _content_of(images)
        found = self._kept(images, content)
        if found is not None:
            return found
        with self.store.one_at_a_time():
            found = self._kept(images, content)  # which another process may have computed meanwhile
            if found is None:
                found = self.backbone.extract(images)
                self._keep(found, images, content)
        return found

    def to(self, device: torch.device) -> None:
        self._device = device
        self.backbone.to(device)

    def _kept(self, images: Tensor, content: str) -> Features | None:
        layout = self._layout(images)
        if layout is None:
            return None
        tensors: dict[str, Tensor] = {}
        for name, axes in layout.axes.items():
            array = self.store.get(self._key(name, content, alone=layout.alone))
            if array is None:
                return None
            tensors[name] = torch.from_numpy(array).permute(np.argsort(axes).tolist()).to(self._device)
        descriptor = tensors.pop(_DESCRIPTOR, None)
        return Features(tensors, descriptor)

    def _keep(self, features: Features, images: Tensor, content: str) -> None:
        tensors = features.maps | ({} if features.descriptor is None else {_DESCRIPTOR: features.descriptor})
        axes = {name: _axes_of(tensor) for name, tensor in tensors.items()}
        ordered = {name: tensor.detach().cpu().permute(axes[name]) for name, tensor in tensors.items()}
        if not all(tensor.is_contiguous() and tensor.dtype in _KEPT for tensor in ordered.values()):
            return  # it would come back without the gaps that it has in memory, or NumPy cannot hold it
        arrays = {name: tensor.numpy() for name, tensor in ordered.items()}
        layout = self._layout(images) or _Layout(axes, self._is_alone(arrays, images, content))
        for name, array in arrays.items():
            self.store.put(self._key(name, content, alone=layout.alone), array)
        text = json.dumps([layout.axes, layout.alone]).encode()
        self.store.put(self._layout_key(images), np.frombuffer(text, np.uint8))

    def _is_alone(self, arrays: dict[str, np.ndarray], images: Tensor, content: str) -> bool:
        """Return whether maps differ from those of a backbone with other layers, or may if none is known."""
        pairs = [(self.store.get(self._key(name, content, alone=False)), arrays[name]) for name in arrays]
        known = [(other, array) for other, array in pairs if other is not None]
        if known:
            return not all(np.array_equal(other, array) for other, array in known)
        own, key = self.identity.whole.encode(), f"first {self.identity.layers} {_arrangement(images)}"
        first = self.store.get(key)
        if first is None:
            self.store.put(key, np.frombuffer(own, np.uint8))
        return first is not None and first.tobytes() != own

    def _layout(self, images: Tensor) -> _Layout | None:
        key = self._layout_key(images)
        if key not in self._layouts:
            found = self.store.get(key)
            if found is None:
                return None
            axes, alone = json.loads(found.tobytes())
            self._layouts[key] = _Layout(axes, alone)
        return self._layouts[key]

    def _layout_key(self, images: Tensor) -> str:
        return f"layout {self.identity.whole} {_arrangement(images)}"

    def _key(self, name: str, content: str, *, alone: bool) -> str:
        is_own = alone or name == _DESCRIPTOR
        return f"map {self.identity.whole if is_own else self.identity.layers} {name} {content}"


def _arrangement(images: Tensor) -> str:
    return f"{list(images.shape)} {_axes_of(images)}"


def _content_of(images: Tensor) -> str:
    """Return a digest of the pixels, their shape and their order in memory."""
    axes = _axes_of(images)
    pixels = images.detach().cpu().permute(axes).contiguous()
    digest = hashlib.sha256(f"{list(images.shape)} {images.dtype} {axes}".encode())
    digest.update(pixels.numpy().reshape(-1).data)
    return digest.hexdigest()


def _axes_of(tensor: Tensor) -> Axes:
    return sorted(range(tensor.ndim), key=lambda axis: (-tensor.stride()[axis], axis))


def _weights_of(backbone: Backbone) -> object:
    """Return what tells weights apart: the digest of their file where they tell it, else of their numbers."""
    if not isinstance(backbone, Stateful):
        return None
    state = backbone.state_dict()  # which reads them
    origin = backbone.weights_origin() if isinstance(backbone, TellsWeights) else {}
    if "sha256" in origin:
        return origin | {"file": ""}
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        numbers = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)  # bfloat16 too
        digest.update(numbers.numpy().data)
    return digest.hexdigest()


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:32]
