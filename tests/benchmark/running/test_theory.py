import pytest
import torch

from padimkit.backbones.pixels import Pixels
from padimkit.benchmark.running.theory import expected_growth
from padimkit.contracts import DensityModel, ExpectedGrowth
from padimkit.densities.gaussian import Gaussian
from padimkit.densities.spade import Spade
from padimkit.images.preprocessing import Preprocessing
from padimkit.pipeline.pipeline import Pipeline
from padimkit.reducers.pca import PCA
from padimkit.reducers.random_channels import RandomChannels
from padimkit.values import Growth, Scores, Theory

SMALL = Preprocessing(resize=32, crop=28)


def growth_of(density, varied, reducer=RandomChannels(keep=2)):  # noqa: B008
    pipeline = Pipeline(Pixels(), reducer, density, preprocessing=SMALL)
    return expected_growth(pipeline, varied)


class Stranger(DensityModel, ExpectedGrowth):
    """Only its theory matters here."""

    def __init__(self, depth: int = 1) -> None:
        self.depth = depth

    def fit(self, stream):
        pass

    def score(self, embedding):
        return Scores(embedding.patches[:, 0])

    def state_dict(self):
        return {"depth": torch.tensor(self.depth)}

    def load_state_dict(self, state):
        pass

    def expected_growth(self):
        return Theory(arguments={"depth": Growth(fit=(0.5, 3.0))})


@pytest.mark.parametrize(
    ("density", "varied", "cost", "exponent"),
    [
        (Gaussian(), "train_images", "fit", "1"),
        (Gaussian(), "train_images", "model", "0"),
        (Gaussian(), "train_images", "predict", "0"),
        (Gaussian(), "reducer.keep", "fit", "2 to 3"),
        (Gaussian(), "reducer.keep", "density fit", "2 to 3"),
        (Gaussian(), "reducer.keep", "score", "2"),
        (Gaussian(), "train_images", "peak predict", "None"),
        (Gaussian(), "density.eps", "fit", "None"),
        (Gaussian(), "map.sigma", "fit", "None"),
        (Spade(), "train_images", "fitted", "1"),
        (Spade(), "train_images", "peak fit", "1"),
        (Spade(), "resolution", "score", "4"),
        (Spade(), "train_images", "disk", "1"),
        (Spade(), "resolution", "predict", "2 to 4"),
        (Spade(), "density.gallery_neighbours", "predict", "1"),
        (Spade(), "reducer.keep", "fit", "None"),
        (Gaussian(), "train_images", "peak", "None"),
        (Stranger(), "density.depth", "density fit", "0.5 to 3"),
        (Stranger(), "density.depth", "score", "None"),
        (Stranger(), "train_images", "fit", "None"),
    ],
)
def test_theory_is_that_of_the_density(density, varied, cost, exponent):
    found = growth_of(density, {varied: 2.0})
    assert str(found.get(varied, {}).get(cost)) == exponent


def test_each_thing_that_is_varied_has_its_exponents():
    found = growth_of(Gaussian(), {"train_images": 25.0, "resolution": 28.0})
    assert [str(found[name]["fit"]) for name in ("train_images", "resolution")] == ["1", "2"]


def test_an_argument_of_a_reducer_that_is_not_the_number_of_channels_has_no_theory():
    assert growth_of(Gaussian(), {"reducer.seed": 3.0}) == {}
    assert growth_of(Gaussian(), {"reducer.keep": 0.5}, PCA(keep=0.5)) == {}
    assert "reducer.keep" in growth_of(Gaussian(), {"reducer.keep": 3.0}, PCA(keep=3))


def test_a_pipeline_that_cannot_be_tried_has_no_theory_of_channels():
    assert growth_of(Gaussian(), {"reducer.keep": 9.0}, RandomChannels(keep=9)) == {}
