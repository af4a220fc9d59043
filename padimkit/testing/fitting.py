"""How reducers and density models are fitted and applied, alike but for the method."""

from collections.abc import Callable
from typing import Any, TypeAlias

from padimkit.testing.check import Make
from padimkit.testing.embeddings import probe, stream, training
from padimkit.testing.exercise import Exercise, Material
from padimkit.testing.result import Result
from padimkit.values import Embedding

Apply: TypeAlias = Callable[[Any, Embedding], Result]  # calls `transform` or `score`


def fit(part: Any, material: Material = "usual") -> None:
    """Fits the part on the material."""
    part.fit(stream(training(material)))


def fitted(make: Make, material: Material = "usual") -> Any:
    """A fresh part, fitted on the material."""
    part = make()
    fit(part, material)
    return part


def exercise_of(apply: Apply) -> Exercise:
    """Fitting, then applying to embeddings that are new to the part."""
    return Exercise(fit, lambda part, material: apply(part, probe(material)))
