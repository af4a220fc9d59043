import pytest
from sklearn.decomposition import PCA, IncrementalPCA

from padimkit import FilterBank, Gaussian, Pipeline, Preprocessing
from padimkit.arguments import alike
from padimkit.contracts import Reducer
from padimkit.reducers.identity import Identity
from padimkit.reducers.pca import PCA as Components
from padimkit.reducers.random_channels import RandomChannels
from padimkit.reducers.scikit_learn import ScikitLearn


@pytest.mark.parametrize(
    "make",
    [
        lambda: RandomChannels(keep=3, seed=4),
        lambda: ScikitLearn(PCA(3)),
        lambda: [PCA(3), {"one": IncrementalPCA(4)}],
    ],
)
def test_what_is_made_alike_is_alike(make):
    assert alike(make(), make())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (RandomChannels(keep=3), RandomChannels(keep=4)),
        (ScikitLearn(PCA(3)), ScikitLearn(PCA(4))),
        (ScikitLearn(IncrementalPCA(3)), ScikitLearn(PCA(3))),
        ([Identity()], [Identity(), Identity()]),
        ({"one": PCA(3)}, {"other": PCA(3)}),
        (Identity(), Components(keep=3)),
        (Identity(), None),
    ],
)
def test_other_classes_and_other_arguments_are_not_alike(one, other):
    assert not alike(one, other)


class Same(Reducer):
    def __init__(self, keep, seed=0):
        self.keep, self.seed = keep, seed

    fit = transform = state_dict = load_state_dict = lambda self: None


def test_another_class_with_the_same_arguments_is_not_alike():
    assert not alike(Same(keep=3), RandomChannels(keep=3))


def test_a_part_is_shown_as_the_call_that_makes_it():
    assert repr(Components(keep=3)) == "PCA(keep=3)" and repr(Gaussian()) == "Gaussian()"
    pipeline = Pipeline(
        FilterBank(), RandomChannels(keep=3, seed=1), Gaussian(), preprocessing=Preprocessing(8, 8)
    )
    assert repr(pipeline) == (
        "Pipeline(\n"
        "    backbone=FilterBank(),\n"
        "    reducer=RandomChannels(keep=3, seed=1),\n"
        "    density=Gaussian(),\n"
        "    preprocessing=Preprocessing(resize=8, crop=8),\n"
        ")"
    )


def test_a_part_that_hides_its_arguments_can_still_be_shown():
    class Hiding(Reducer):
        def __init__(self, keep=3):
            self.kept = keep

        def fit(self, stream): ...
        def transform(self, embedding): ...
        def state_dict(self): ...
        def load_state_dict(self, state): ...

    assert "Hiding object at" in repr(Hiding())
