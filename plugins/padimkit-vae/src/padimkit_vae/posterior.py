"""The posterior distribution of the latent maps of an image."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Posterior:
    """A Gaussian with a mean and a variance of its own for each latent value."""

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
