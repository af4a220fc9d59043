"""The reduction by a transformer of scikit-learn."""

from collections.abc import Callable, Iterable
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float32
from sklearn.base import BaseEstimator, clone
from sklearn.random_projection import BaseRandomProjection
from torch import Tensor

from padimkit.arguments import require_seed, require_whole
from padimkit.arguments.checked import Checked
from padimkit.arguments.stored_state import require_state
from padimkit.contracts import Reducer
from padimkit.errors import BadArgument, BadModel, NotFitted
from padimkit.reducers._estimator import forms_of, restored, written
from padimkit.reducers._rows import Rows, chunks, drawn, first, gathered, rows_of
from padimkit.values import Embedding

_MOST_PATCHES = 10**9
_MOST_CHANNELS = 2**20
_MOST_OF_TWIN = 1024
_MORE_OF_TWIN = 64  # patches beyond the channels, for clusters and the like

_PROBE = 64  # rows to test that a restored estimator gives the same results


@final
class ScikitLearn(Reducer):
    """Any transformer of scikit-learn, such as IncrementalPCA or GaussianRandomProjection, on each patch.

    An estimator with `partial_fit` learns from all patches, 10,000 at a time; random projections look at the
    first batch only; all others get all patches at once, at most 100,000. The learnt attributes are stored
    without pickle: an estimator that learns anything but arrays and numbers is refused.

    Args:
        estimator: Any estimator with `transform`, by its class path.
        patches: Learn from at most this many patches, drawn at random from all and held in memory.
        seed: Fixes the drawn patches, and the random numbers of an estimator without a `random_state`.

    Raises:
        BadArgument: The estimator does not transform, or `patches` is below 1. In `fit`: the estimator cannot
            learn from the patches, there are too many, or the learnt attributes cannot be stored.
    """

    checked = Checked(
        arguments={
            "estimator": {
                "class_path": "sklearn.decomposition.IncrementalPCA",
                "init_args": {"n_components": 3},
            }
        },
        excused={"another_seed_gives_another_result": "many estimators draw nothing"},
    )

    def __init__(self, estimator: BaseEstimator, patches: int | None = None, seed: int = 0) -> None:
        self.estimator = estimator
        self.patches = patches
        self.seed = seed
        if not (hasattr(estimator, "fit") and hasattr(estimator, "transform")):
            raise BadArgument(f"{self._name} does not offer fit and transform; choose another estimator.")
        if patches is not None:
            require_whole("patches", patches, 1, _MOST_PATCHES)
        require_seed(seed)
        self._state: dict[str, Tensor] | None = None
        self._fitted: Any = None

    def fit(self, stream: Iterable[Embedding]) -> None:
        """Fit a copy of the estimator."""
        learner = self._unfitted()
        rows = self._learn(learner, stream)
        state = written(learner)
        fitted = restored(self._unfitted(), state)
        self._require_alike(learner, fitted, rows[:_PROBE])
        self._fitted, self._state = fitted, written(fitted)

    def transform(self, embedding: Embedding) -> Embedding:
        """Return the transformed patches, in float32."""
        if self._state is None:
            raise NotFitted("ScikitLearn.transform was called before fit.")
        images, _, height, width = embedding.patches.shape
        rows = torch.from_numpy(_transformed(self._fitted, rows_of(embedding))).to(embedding.patches.device)
        patches = rows.reshape(images, height, width, -1).permute(0, 3, 1, 2)
        return Embedding(patches, embedding.descriptor)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the attributes that the estimator has learnt."""
        if self._state is None:
            raise NotFitted("ScikitLearn.state_dict was called before fit.")
        return dict(self._state)

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Load the attributes that `state_dict` returned.

        Raises:
            BadModel: They are not attributes that a fit gives, or the estimator cannot transform by them.
        """
        fitted = restored(self._unfitted(), state)
        rows = _require_transform(fitted, self._name)
        forms = forms_of(self._twin(rows.shape[1]))
        both = state.keys() & forms.keys()  # another fit may learn more attributes, or fewer
        require_state(self.estimator, {key: state[key] for key in both}, **{key: forms[key] for key in both})
        self._fitted = fitted
        self._state = written(self._fitted)

    def _twin(self, channels: int) -> dict[str, Tensor]:
        """Return the state of a fit on made-up patches; none where these are too many or unsuitable."""
        if channels > _MOST_OF_TWIN:
            return {}
        learner, generator = self._unfitted(), torch.Generator().manual_seed(0)
        patches = torch.rand(1, channels, channels + _MORE_OF_TWIN, 1, generator=generator)
        try:
            self._learn(learner, [Embedding(patches)])
            return written(learner)
        except Exception:  # an estimator may not like such patches; what it can use has been tried
            return {}

    @property
    def _name(self) -> str:
        return type(self.estimator).__name__

    def _unfitted(self) -> Any:
        estimator = clone(self.estimator)
        if estimator.get_params(deep=False).get("random_state", self.seed) is None:
            estimator.set_params(random_state=self.seed)
        return estimator

    def _learn(self, learner: Any, stream: Iterable[Embedding]) -> Rows:
        """Fit the learner and return some of the rows that it learnt from."""
        if isinstance(learner, BaseRandomProjection) and learner.n_components != "auto":
            return self._taught(learner.fit, first(stream, _PROBE))  # they do not learn from the values
        if self.patches is not None:
            return self._taught(learner.fit, drawn(stream, self.patches, seed=self.seed))
        if not hasattr(learner, "partial_fit"):
            return self._taught(learner.fit, gathered(stream, self._name))
        for rows in chunks(stream):
            self._taught(learner.partial_fit, rows)
        return rows

    def _taught(self, learn: Callable[[Rows], object], rows: Rows) -> Rows:
        try:
            learn(rows)
        except (TypeError, ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
            raise BadArgument(f"{self._name} cannot learn from these patches: {error}") from error
        return rows

    def _require_alike(self, learner: Any, twin: Any, rows: Rows) -> None:
        try:  # copies, since some estimators work in place
            expected, found = _transformed(learner, rows.copy()), _transformed(twin, rows.copy())
        except (AttributeError, TypeError, ValueError) as error:
            raise BadArgument(
                f"{self._name} cannot be stored with what it has learnt ({error}). Choose another estimator."
            ) from error
        if not np.allclose(found, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max()):
            raise BadArgument(
                f"{self._name} cannot be stored: read back, it gives other results. Choose another estimator."
            )


def _require_transform(fitted: Any, name: str) -> Rows:
    """Try the estimator on two patches, since only it knows which attributes it needs, and of what shapes."""
    channels = getattr(fitted, "n_features_in_", None)
    if not isinstance(channels, int) or not 0 < channels <= _MOST_CHANNELS:
        raise BadModel(f'The state of {name} does not say how many channels it takes ("n_features_in_").')
    positive = np.linspace(0, 1, 2 * channels + 1, dtype=np.float32)[1:]  # some take no others
    rows = positive.reshape(2, channels)
    try:
        found = _transformed(fitted, rows)
    except Exception as error:  # attributes of a stranger's file may lead to anything
        raise BadModel(f"The state of {name} does not let it transform: {error}.") from error
    if not found.shape[1] or not np.isfinite(found).all():
        raise BadModel(f"By its state, {name} transforms to nothing, NaN or infinity.")
    return rows


def _transformed(estimator: Any, rows: Rows) -> Float32[np.ndarray, "n k"]:
    found = estimator.transform(rows)
    if not isinstance(found, np.ndarray) or found.ndim != 2 or len(found) != len(rows):
        shape = getattr(found, "shape", "unknown")
        raise BadArgument(
            f"{type(estimator).__name__} makes a {type(found).__name__} of shape {shape} of {len(rows)} "
            "patches; expected an array with one row for each. Choose another estimator."
        )
    return found.astype(np.float32)
