"""The costs of the autoencoder as formulas of sizes.

Apart from the density, since they need no network. Operations are those of convolutions, of which all others
are a few percent; images whose sides are no multiple of 32 take a little more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from padimkit import Costs, Problem, Work

_FLOAT = 4  # bytes
_STATISTICS = 2  # numbers for each channel of a normalisation that are no weights, beside the two that are
_COUNTER = 8  # bytes of each normalisation
_PASSES = 5  # of an output: written, read and written by the normalisation, and by the rectifier
_BACKWARD = 2  # times the operations of a convolution: gradients of its weights, and of its input
_ADAM = (12, 7)  # operations on a weight in a step; numbers that are read and written for it


@dataclass(frozen=True)
class _Convolution:
    """A convolution: its channels and kernel, and the area of its input and output in pixels of the image."""

    inputs: int
    outputs: int
    kernel: int
    read: int | float
    area: int | float
    normalised: bool = True

    @property
    def weights(self) -> int:
        """Numbers of its kernel, and of its normalisation or its bias."""
        return self.inputs * self.outputs * self.kernel**2 + self.outputs * (2 if self.normalised else 1)

    def operations(self, pixels: int | float) -> float:
        """Return the operations on an image of so many pixels."""
        return 2.0 * self.inputs * self.outputs * self.kernel**2 * self.area * pixels

    def moved(self, pixels: int | float) -> float:
        """Return the bytes that it and what follows it read and write for an image."""
        values = self.inputs * self.read + self.outputs * self.area * (_PASSES if self.normalised else 1)
        return _FLOAT * (values * pixels + self.weights)


def vae_costs(problem: Problem, *, width: int, latent_channels: int, epochs: int, batch_size: int) -> Costs:
    """Return the costs of training and of one reconstruction; each position is a pixel."""
    layers = [*_encoder(problem.channels, width), *_latent(width, latent_channels)]
    layers += _decoder(problem.channels, width)
    weights = sum(layer.weights for layer in layers)
    normalised = [layer.outputs for layer in layers if layer.normalised]
    operations = sum(layer.operations(problem.positions) for layer in layers)
    moved = sum(layer.moved(problem.positions) for layer in layers)
    backward = _BACKWARD * operations - layers[0].operations(problem.positions)  # images have no gradient
    steps = epochs * ceil(problem.images / batch_size)
    seen = epochs * problem.images
    held = _FLOAT * (weights + _STATISTICS * sum(normalised)) + _COUNTER * len(normalised)
    return Costs(
        fit=Work(
            single=seen * (operations + backward) + steps * _ADAM[0] * weights,
            moved=seen * (1 + _BACKWARD) * moved + steps * _ADAM[1] * _FLOAT * weights,
        ),
        prepare=Work(),
        use=Work(single=operations, moved=moved),
        held=held,
        stored=held,
    )


def _encoder(channels: int, width: int) -> Iterator[_Convolution]:
    yield _Convolution(channels, width, 7, 1.0, 1 / 4)
    yield from [_Convolution(width, width, 3, 1 / 16, 1 / 16)] * 4
    for factor in (1, 2, 4):
        few, many, before = factor * width, 2 * factor * width, 1 / (16 * factor**2)
        yield _Convolution(few, many, 3, before, before / 4)
        yield from [_Convolution(many, many, 3, before / 4, before / 4)] * 3
        yield _Convolution(few, many, 1, before / 4, before / 4)


def _latent(width: int, channels: int) -> Iterator[_Convolution]:
    """Yield mean and log variance, and the way back; without normalisation."""
    area = 1 / 1024
    yield from [_Convolution(8 * width, channels, 1, area, area, normalised=False)] * 2
    yield _Convolution(channels, 8 * width, 1, area, area, normalised=False)


def _decoder(channels: int, width: int) -> Iterator[_Convolution]:
    for factor in (8, 4, 2):
        many, before = factor * width, 1 / (16 * factor**2)
        yield from [_Convolution(many, many, 3, before, before)] * 3
        yield _Convolution(many, many // 2, 3, 4 * before, 4 * before)
        yield _Convolution(many, many // 2, 1, before, before)
    yield from [_Convolution(width, width, 3, 1 / 16, 1 / 16)] * 4
    yield _Convolution(width, channels, 7, 1.0, 1.0, normalised=False)
