"""The variational autoencoder as a network."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from padimkit_vae.decoder import Decoder
from padimkit_vae.encoder import Encoder, Sizes
from padimkit_vae.posterior import Posterior

# oneDNN writes beyond its memory in gradients of 1 x 1 convolutions that halve, if channels lie last and are
# fewer than it takes at once, 8 or 16 (github.com/uxlfoundation/oneDNN/issues/6035).
_LEAST_WIDTH = 16


@final
class Network(nn.Module):
    """ResNet18, a convolutional latent, and ResNet18 backwards."""

    def __init__(self, *, channels: int, width: int, latent_channels: int) -> None:
        super().__init__()
        self.layout = torch.channels_last if width >= _LEAST_WIDTH else torch.contiguous_format
        self.encoder = Encoder(channels=channels, width=width)
        self.mean = nn.Conv2d(8 * width, latent_channels, 1)
        self.log_variance = nn.Conv2d(8 * width, latent_channels, 1)
        self.decoder = Decoder(channels=channels, width=width, latent_channels=latent_channels)

    @property
    def channels(self) -> int:
        """The number of channels of the images."""
        return self.decoder.exit.out_channels

    @property
    def device(self) -> torch.device:
        """The device of its weights."""
        return self.mean.weight.device

    def encode(self, images: Float[Tensor, "b c H W"]) -> tuple[Posterior, Sizes]:
        """Return the posterior of the latent maps, and the sizes that `decode` needs."""
        maps, sizes = self.encoder(images.contiguous(memory_format=self.layout))
        return Posterior(self.mean(maps), self.log_variance(maps)), sizes

    def decode(self, latent: Float[Tensor, "b l h w"], sizes: Sizes) -> Float[Tensor, "b c H W"]:
        """Return the images that belong to latent maps."""
        return self.decoder(latent, sizes)  # type: ignore[no-any-return]


def new_network(
    *, channels: int, width: int, latent_channels: int, seed: int
) -> tuple[Network, torch.Generator]:
    """Return a network with random weights, and a generator that continues after the draw of the weights.

    Layers of torch draw their weights from the global generator, whose state is restored afterwards.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed the GPUs too
        network = Network(channels=channels, width=width, latent_channels=latent_channels)
        for module in network.modules():
            if isinstance(module, nn.Conv2d) and module.bias is None:  # as torchvision does for a ResNet
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        generator = torch.Generator()
        generator.set_state(torch.default_generator.get_state())
    return network.to(memory_format=network.layout), generator  # channels last: a quarter quicker on a CPU
