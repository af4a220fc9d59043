"""The autoencoder, and the attention that its latent maps pay to the maps they are made from."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from padimkit_cavga.decoder import Decoder, Discriminator
from padimkit_cavga.encoder import Encoder


@dataclass(frozen=True)
class Encoded:
    """The last maps of the encoder, and the Gaussian of the latent maps that follow from them."""

    maps: Float[Tensor, "b k h w"]
    mean: Float[Tensor, "b l h w"]
    log_variance: Float[Tensor, "b l h w"]

    def sample(self, generator: torch.Generator) -> Float[Tensor, "b l h w"]:
        """Draw latent maps by a generator on the CPU, so that every device gets the same noise."""
        noise = torch.randn(self.mean.shape, generator=generator).to(self.mean)
        return self.mean + noise * (0.5 * self.log_variance).exp()

    def divergence(self) -> Float[Tensor, " b"]:
        """Return the Kullback-Leibler divergence from a standard normal (Kingma and Welling 2014, app. B)."""
        terms = self.mean.square() + self.log_variance.expm1() - self.log_variance
        return 0.5 * terms.sum((1, 2, 3))


@final
class Network(nn.Module):
    """ResNet18, latent maps by convolutions of 1 x 1, and a residual decoder.

    Images are standardised by the mean and deviation of each channel over the training images.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, *, channels: int, width: int, stages: int, latent_channels: int) -> None:
        super().__init__()
        self.encoder = Encoder(channels=channels, width=width, stages=stages)
        self.mean = nn.Conv2d(self.encoder.width, latent_channels, 1)
        self.log_variance = nn.Conv2d(self.encoder.width, latent_channels, 1)
        self.decoder = Decoder(channels=channels, width=width, stages=stages, latent_channels=latent_channels)
        self.register_buffer("shift", torch.zeros(channels))
        self.register_buffer("scale", torch.ones(channels))

    def standardised(self, images: Float[Tensor, "b c H W"]) -> Float[Tensor, "b c H W"]:
        """Return the images as the network sees them."""
        return (images - self.shift[:, None, None]) / self.scale[:, None, None]

    def encode(self, images: Float[Tensor, "b c H W"]) -> Encoded:
        """Return what standardised images become."""
        return self.encoded(self.encoder(images))

    def encoded(self, maps: Float[Tensor, "b k h w"]) -> Encoded:
        """Return the latent Gaussian of maps of the encoder."""
        return Encoded(maps, self.mean(maps), self.log_variance(maps))


def attention(encoded: Encoded, *, create_graph: bool) -> Float[Tensor, "b h w"]:
    """Return how much the latent maps attend to each position, between 0 and 1.

    As Grad-CAM (Selvaraju et al. 2017) with the sum of the latent means in place of a class: the channels of
    the encoder's maps, weighted by their mean gradients; then a sigmoid. The maps must require a gradient.
    Nothing is left in any parameter.

    Args:
        encoded: Latent maps with their graph.
        create_graph: Let the result be differentiated, to train it.
    """
    return _logits(encoded, create_graph=create_graph).sigmoid()


def left_out(encoded: Encoded) -> Float[Tensor, "b h w"]:
    """Return 1 minus the attention, with all digits also where the attention is nearly 1."""
    return (-_logits(encoded, create_graph=False)).sigmoid()


def _logits(encoded: Encoded, *, create_graph: bool) -> Float[Tensor, "b h w"]:
    (gradients,) = torch.autograd.grad(encoded.mean.sum(), encoded.maps, create_graph=create_graph)
    weights = gradients.mean((2, 3), keepdim=True)
    return (weights * encoded.maps).sum(1)


@dataclass(frozen=True)
class Fresh:
    """Networks with random weights, and a generator that continues after the draw of the weights."""

    network: Network
    discriminator: Discriminator
    generator: torch.Generator


def fresh(*, channels: int, width: int, stages: int, latent_channels: int, seed: int) -> Fresh:
    """Return networks whose weights depend on the seed alone.

    Layers of torch draw their weights from the global generator, whose state is restored afterwards.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed the GPUs too
        network = Network(channels=channels, width=width, stages=stages, latent_channels=latent_channels)
        discriminator = Discriminator(channels=channels, width=width)
        for module in network.modules():
            if isinstance(module, nn.Conv2d) and module.bias is None:  # as torchvision does for a ResNet
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        generator = torch.Generator()
        generator.set_state(torch.default_generator.get_state())
    return Fresh(network, discriminator, generator)
