"""Costs that parts state, beside what is measured of them."""

import pytest
import torch

from padimkit.benchmark.drawn import LEVEL, Drawn
from padimkit.densities._whitening import DenseWhitening, LowRankWhitening
from padimkit.densities.gaussian import Gaussian
from padimkit.densities.spade import Spade
from padimkit.memory import held_by
from padimkit.reducers.identity import Identity
from padimkit.reducers.pca import PCA
from padimkit.reducers.pca_per_position import PCAPerPosition
from padimkit.reducers.random_channels import RandomChannels
from padimkit.values import Problem, Work


def embeddings(drawn, seed, batch_size=16):
    return drawn.stream(seed, batch_size).map(lambda levels: levels[LEVEL].embedding())


def problem(drawn):
    return Problem(drawn.images, drawn.channels, drawn.positions, drawn.descriptor, drawn.variance)


def stored(part):
    return sum(tensor.nbytes for tensor in part.state_dict().values())


@pytest.mark.parametrize("images", [5, 19, 32, 33, 150])
@pytest.mark.parametrize(
    "arguments",
    [{}, {"storage": "half"}, {"precision": "float64"}, {"covariance": "ledoit_wolf"}, {"scope": "shared"}],
    ids=str,
)
def test_a_gaussian_holds_and_stores_what_it_states(seed, images, arguments):
    drawn = Drawn(images=images, channels=32, positions=12)
    density = Gaussian(**arguments)
    stated = density.costs(problem(drawn))
    density.fit(embeddings(drawn, seed))
    density.score(next(iter(embeddings(drawn, seed))))
    assert stated.held == pytest.approx(held_by(density), rel=0.15, abs=4096)
    assert stated.stored == pytest.approx(stored(density), rel=0.02, abs=64)
    many = images > 32 or arguments.get("scope") == "shared"
    assert stated.form.startswith("moments" if many else "samples")


@pytest.mark.parametrize(
    ("images", "ratio", "form"),
    [
        (10, 1.0, "samples, rank float32"),
        (10, 1000.0, "samples, rank float64"),
        (20, 1000.0, "samples"),  # in float64 it would be larger than the dense form
        (32, 1.0, "samples"),
        (33, 1.0, "moments"),
    ],
)
def test_a_gaussian_states_the_form_that_a_fit_chooses(seed, images, ratio, form):
    drawn = Drawn(images=images, channels=32, positions=12, spectrum=0.0, eps_ratio=ratio)
    density = Gaussian()
    density.fit(embeddings(drawn, seed))
    density.prepare()
    kind = LowRankWhitening if "rank" in form else DenseWhitening
    assert density.costs(problem(drawn)).form == form
    assert type(density._whitening) is kind
    if "float64" in form:
        assert density._whitening.mean.dtype == torch.float64


def test_work_of_a_gaussian_grows_as_its_algorithm():
    """Products of all samples, then a Cholesky factor and its inverse, 4/3 d^3; scores read the factor."""

    def costs(images, channels):
        return Gaussian().costs(Problem(images, channels, 10))

    few, many = costs(10_000, 100), costs(20_000, 100)
    assert many.fit.single == pytest.approx(2 * few.fit.single, rel=0.01)
    assert few.fit.single == pytest.approx(10 * 2 * 10_000 * 100**2, rel=0.05)
    small, large = costs(100_000, 256).prepare, costs(100_000, 512).prepare
    assert large.double == 8 * small.double and small.double == pytest.approx(10 * 4 / 3 * 256**3)
    assert costs(10_000, 512).use.moved == pytest.approx(4 * costs(10_000, 256).use.moved, rel=0.02)
    assert costs(20_000, 100).use == few.use and costs(20_000, 100).held == few.held


@pytest.mark.parametrize(("images", "neighbours"), [(8, 3), (20, 6)])
def test_spade_holds_its_gallery_and_compares_with_it(seed, images, neighbours):
    drawn = Drawn(images=images, channels=6, positions=12, descriptor=10)
    density = Spade(image_neighbours=3, gallery_neighbours=neighbours)
    stated = density.costs(problem(drawn))
    density.fit(embeddings(drawn, seed))
    density.score(next(iter(embeddings(drawn, seed))))
    assert stated.held == held_by(density) and stated.stored == pytest.approx(stored(density), abs=64)
    pairs = neighbours * 12 * 12
    assert stated.use.single == pytest.approx(2 * pairs * 6 + 2 * images * 10)


@pytest.mark.parametrize(
    "reducer", [Identity(), RandomChannels(keep=7), PCA(keep=5), PCAPerPosition(keep=5)], ids=repr
)
@pytest.mark.parametrize("images", [20, 40])
def test_reducers_hold_and_store_what_they_state(seed, reducer, images):
    drawn = Drawn(images=images, channels=32, positions=12)
    stated = reducer.costs(problem(drawn))
    reducer.fit(embeddings(drawn, seed))
    reducer.transform(next(iter(embeddings(drawn, seed))))
    assert stated.held == pytest.approx(held_by(reducer), rel=0.05, abs=64)
    assert stated.stored == pytest.approx(stored(reducer), rel=0.01, abs=16)


def test_work_of_pca_per_position_grows_as_its_algorithm():
    """The smaller of images and channels is decomposed at each position; a projection is one product."""

    def costs(images, channels):
        return PCAPerPosition(keep=5).costs(Problem(images, channels, 10))

    few, more = costs(100, 1000), costs(200, 1000)
    assert few.form == "images" and costs(1001, 1000).form == "channels"
    assert few.fit.double == 10 * (2 * 100**2 * 1000 + 9 * 100**3 + 2 * 5 * 100 * 1000)
    assert 4 < more.fit.double / few.fit.double < 8
    assert costs(2000, 100).fit.double == costs(4000, 100).fit.double == 10 * 9 * 100**3
    assert few.use.single == 10 * 2 * 5 * 1000 and few.use == more.use


def test_a_roofline_is_the_slower_of_operations_and_memory():
    rates = {"single": 100.0, "double": 10.0, "memory": 50.0}
    assert Work(single=200.0, double=30.0, moved=100.0).seconds(**rates) == 5.0
    assert Work(single=200.0, double=30.0, moved=500.0).seconds(**rates) == 10.0
