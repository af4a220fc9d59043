"""Predictions of learnt images as if they had not been learnt: one by one, or by folds.

Apart from the pipeline, which lends its steps: here is only which images are learnt and which predicted.
"""

from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import TypeAlias

from padimkit.errors import BadArgument
from padimkit.images.selection import count_of, only
from padimkit.pipeline.checks import require_normal
from padimkit.pipeline.fitted_levels import FittedLevels
from padimkit.pipeline.learning import Pyramids
from padimkit.stages import READ, staged
from padimkit.values import Batch, Prediction, Scores, Stream

# The number of each image among all, the images, and their prediction.
LeftOut: TypeAlias = tuple[tuple[int, ...], Batch, Prediction]


@dataclass(frozen=True)
class Steps:
    """The steps of a pipeline.

    Args:
        embed: Returns the embeddings of images.
        fit: Returns what is learnt from a stream of embeddings.
        predict: Returns the prediction that follows from scores.
    """

    embed: Callable[[Batch], Pyramids]
    fit: Callable[[Stream[Pyramids]], FittedLevels]
    predict: Callable[[list[Scores], Batch], Prediction]


def one_by_one(steps: Steps, batches: Iterable[Batch], fitted: FittedLevels) -> Iterator[LeftOut]:
    """Yield predictions that follow from one fit."""
    score = fitted.leave_one_out()
    for numbers, batch in _numbered(batches):
        require_normal(batch)
        yield numbers, batch, steps.predict(score(steps.embed(batch), numbers), batch)


def by_folds(
    steps: Steps, batches: Iterable[Batch], variants: Iterable[Batch], *, folds: int, merge: bool
) -> Iterator[LeftOut]:
    """Yield predictions of each fold, image i being in fold i modulo `folds`, by what the others teach.

    Args:
        steps: The steps of the pipeline.
        batches: The images.
        variants: What is learnt from: the images, or variants of them in turn.
        folds: Number of folds.
        merge: Learn from each fold once, and merge; else fit anew without each fold.

    Raises:
        BadArgument: There are fewer images than folds, or fewer than two folds.
    """
    count = count_of(batches)
    require_folds(folds, count)

    def fitted_on(chosen: set[int]) -> FittedLevels:
        some = only(variants, lambda number: number % count % folds in chosen)

        def embeddings() -> Iterator[Pyramids]:
            for batch in staged(READ, some):
                require_normal(batch)
                yield steps.embed(batch)

        return steps.fit(Stream(embeddings))

    parts = [fitted_on({fold}) for fold in range(folds)] if merge else []
    for fold in range(folds):
        fitted = _merged_without(parts, fold) if merge else fitted_on(set(range(folds)) - {fold})
        for places, batch in _numbered(only(batches, _in_fold(fold, folds))):
            numbers = tuple(fold + folds * place for place in places)
            yield numbers, batch, steps.predict(fitted.score(steps.embed(batch)), batch)


def require_folds(folds: int, count: int) -> None:
    """Raise BadArgument unless this many images can be divided into this many folds, two or more."""
    if not 2 <= folds <= count:
        raise BadArgument(f'Expected "folds" from 2 to the {count} images, got {folds}.')


def _in_fold(fold: int, folds: int) -> Callable[[int], bool]:
    return lambda number: number % folds == fold


def _merged_without(parts: list[FittedLevels], fold: int) -> FittedLevels:
    first, *others = (part for number, part in enumerate(parts) if number != fold)
    whole = deepcopy(first)
    for other in others:
        whole.merge(other)
    return whole


def _numbered(batches: Iterable[Batch]) -> Iterator[tuple[tuple[int, ...], Batch]]:
    """Yield the images with their numbers."""
    start = 0
    for batch in staged(READ, batches):
        yield tuple(range(start, start + len(batch.paths))), batch
        start += len(batch.paths)
