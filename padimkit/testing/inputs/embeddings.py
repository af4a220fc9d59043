"""Made-up embeddings of normal and of anomalous images, and how parts are fitted on them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from padimkit.contracts import PyramidLearner
from padimkit.testing.answers import DataSet, Result, Usage
from padimkit.testing.check import Make
from padimkit.testing.inputs.scale import images_or, size_or
from padimkit.values import Embedding, Pyramid, Scores, Stream

CHANNELS = 8
_SIZE = (6, 9)  # not square, so that height and width cannot be mixed up unseen
DESCRIPTOR = 5
_TRAIN, _PROBE = 24, 6
_SHIFT = 10.0  # in standard deviations, some five


def training(data: DataSet) -> Embedding:
    """Return normal embeddings to fit on; the second data set differs in mean, spread and noise."""
    embedding = _normal(max(images_or(_TRAIN), _TRAIN), seed=1 if data == "first" else 2)
    if data == "first":
        return embedding
    assert embedding.descriptor is not None
    return Embedding(2 * embedding.patches + 3, 2 * embedding.descriptor + 3)


def probe(data: DataSet) -> Embedding:
    """Return unseen embeddings: first normal ones, then as many with a defect."""
    normal = _normal(_PROBE // 2, seed=3 if data == "first" else 4)
    return joined(normal, with_defect(normal))


def with_defect(normal: Embedding) -> Embedding:
    """Return the same embeddings with extreme values in a few positions, alternately high and low."""
    assert normal.descriptor is not None
    shift = _SHIFT * (-1.0) ** torch.arange(len(normal.patches))
    patches = normal.patches.clone()
    rows, columns = defect_rows_and_columns(patches.shape[2:])
    patches[:, :, rows, columns] += shift[:, None, None, None]
    return Embedding(patches, normal.descriptor + shift[:, None])


def positions() -> tuple[int, int]:
    """Return the rows and columns of the embeddings."""
    return size_or(_SIZE)


def defect_rows_and_columns(size: Sequence[int]) -> tuple[slice, slice]:
    """Return the place of the defect, which is not where it is in a mirror: upper right, off the borders."""
    height, width = size
    return slice(height // 6, height // 2), slice(5 * width // 9, 8 * width // 9)


def defect_of(scores: Float[Tensor, "b h w"]) -> Float[Tensor, "b k"]:
    """Return the scores at the positions of the defect."""
    rows, columns = defect_rows_and_columns(scores.shape[1:])
    return scores[:, rows, columns].flatten(1)


def stream(embedding: Embedding, batch_size: int = 7) -> Stream[Embedding]:
    """Return the embeddings in batches, as an iterable that is not a sequence; the last batch is smaller."""
    return Stream(partial(_batches, embedding, batch_size))


def part_of(embedding: Embedding, start: int, stop: int) -> Embedding:
    """Return some of the images, in the same memory."""
    descriptor = embedding.descriptor
    return Embedding(embedding.patches[start:stop], None if descriptor is None else descriptor[start:stop])


def joined(*embeddings: Embedding) -> Embedding:
    """Return all images in one embedding."""
    descriptors = [e.descriptor for e in embeddings if e.descriptor is not None]
    return Embedding(
        torch.cat([e.patches for e in embeddings]), torch.cat(descriptors) if descriptors else None
    )


def tensors_of(embedding: Embedding) -> Result:
    """Return the tensors of an embedding by name."""
    named = {"patches": embedding.patches, "descriptor": embedding.descriptor}
    return {name: tensor for name, tensor in named.items() if tensor is not None}


def scores_of(scores: Scores) -> Result:
    """Return the tensors of the scores by name."""
    return {"patches": scores.patches} | ({} if scores.images is None else {"images": scores.images})


def moved(embedding: Embedding, device: torch.device) -> Embedding:
    """Return the embedding on a device."""
    descriptor = embedding.descriptor
    return Embedding(embedding.patches.to(device), None if descriptor is None else descriptor.to(device))


def _batches(embedding: Embedding, size: int) -> Iterator[Embedding]:
    for start in range(0, len(embedding.patches), size):
        yield part_of(embedding, start, start + size)


def _normal(count: int, *, seed: int) -> Embedding:
    """Return correlated channels of unequal variance, with a mean per position and a drift over images."""
    generator = torch.Generator().manual_seed(seed)
    height, width = positions()
    noise = torch.randn(count, CHANNELS, height, width, generator=generator)
    mixing = torch.diag(torch.linspace(0.5, 2.5, CHANNELS)) + 0.2 * torch.ones(CHANNELS, CHANNELS).tril(-1)
    mean = 1 + torch.sin(torch.arange(CHANNELS * height * width)).reshape(CHANNELS, height, width)
    drift = torch.linspace(-0.5, 0.5, count)[:, None, None, None]
    patches = mean + drift + torch.einsum("kc,bchw->bkhw", mixing, noise)
    return Embedding(patches.contiguous(), 2 + torch.randn(count, DESCRIPTOR, generator=generator))


Apply: TypeAlias = Callable[[Any, Embedding], Result]  # calls `transform` or `score`


def fit(part: Any, data: DataSet = "first") -> None:
    """Fit the part on the data set; one that can learn in two ways does so twice, and forgets the first."""
    for learn in ways_to_fit(part):
        learn(stream(training(data)))


def ways_to_fit(part: Any) -> list[Callable[[Stream[Embedding]], None]]:
    """Return `fit`, and `fit_pyramids` of pyramids of a single layer for a reducer that has it."""
    ways: list[Callable[[Stream[Embedding]], None]] = [part.fit]
    if isinstance(part, PyramidLearner):
        ways.append(lambda embeddings: part.fit_pyramids(embeddings.map(_of_one_layer)))
    return ways


def _of_one_layer(embedding: Embedding) -> Pyramid:
    return Pyramid((embedding.patches,), embedding.descriptor)


def fitted(make: Make, data: DataSet = "first") -> Any:
    """Return a fresh part, fitted on the data set."""
    part = make()
    fit(part, data)
    return part


def usage_of(apply: Apply) -> Usage:
    """Return the usage of a part that is fitted on embeddings and applied to unseen ones."""
    return Usage(fit, _OnProbe(apply))


@dataclass(frozen=True)
class _OnProbe:
    """The use of a part on unseen embeddings; not a lambda, so that it can be sent to another process."""

    apply: Apply

    def __call__(self, part: Any, data: DataSet) -> Result:
        return self.apply(part, probe(data))
