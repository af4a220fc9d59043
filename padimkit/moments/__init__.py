"""The moments that a Gaussian learns: count, mean and scatter, exactly the same for any batches."""

from padimkit.moments.buffered import BufferedMoments
from padimkit.moments.ledoit_wolf import ShrunkMoments
from padimkit.moments.moments import Moments
from padimkit.moments.samples import Samples

__all__ = ["BufferedMoments", "Moments", "Samples", "ShrunkMoments"]
