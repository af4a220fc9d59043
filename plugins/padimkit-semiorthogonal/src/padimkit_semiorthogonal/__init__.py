"""Random semi-orthogonal projection: the reducer of Kim et al. 2021."""

from padimkit_semiorthogonal.semi_orthogonal import SemiOrthogonal

__all__ = ["SemiOrthogonal"]
