import copy
from operator import length_hint

import numpy as np
import pytest
import torch

from padimkit.backbones.pixels import Pixels
from padimkit.contracts import Backbone, DensityModel, LinearReducer, Reducer
from padimkit.densities.gaussian import Gaussian
from padimkit.errors import (
    BadArgument,
    BadData,
    BadFeatures,
    BadImage,
    BadShape,
    CannotMerge,
    NotFitted,
)
from padimkit.images.augmentation import Augmentation
from padimkit.pipeline.anomaly_map import AnomalyMap
from padimkit.pipeline.levels import Separate
from padimkit.pipeline.pipeline import Pipeline
from padimkit.reducers.identity import Identity
from padimkit.reducers.pca import PCA
from padimkit.reducers.random_channels import RandomChannels
from padimkit.values import Batch, Embedding, Features, Scores


def batches(generator, count=12, size=10, batch=4, **known):
    images = torch.rand(count, 3, size, size, generator=generator)
    paths = tuple(f"{index}.png" for index in range(count))
    return [
        Batch(part, paths[i * batch :][: len(part)], **known) for i, part in enumerate(images.split(batch))
    ]


def pixel_pipeline(**changes):
    parts = {"backbone": Pixels(), "reducer": Identity(), "density": Gaussian(), "map": AnomalyMap(sigma=1.0)}
    return Pipeline(**{**parts, **changes})


def fitted(data, **changes):
    pipeline = pixel_pipeline(**changes)
    pipeline.fit(data)
    return pipeline


class TwoScales(Backbone):
    """Pixels, and their averages over 2 x 2; counts how often it runs."""

    def __init__(self):
        self.runs = 0

    def extract(self, images):
        self.runs += 1
        return Features({"fine": images, "coarse": torch.nn.functional.avg_pool2d(images, 2)})

    def to(self, device):
        pass


def test_a_prediction_is_the_composition_of_the_parts(generator):
    train, test = batches(generator), torch.rand(2, 3, 10, 10, generator=generator)
    prediction = fitted(train, map=AnomalyMap(sigma=0.0)).predict(test)
    vectors = torch.cat([batch.images for batch in train]).double().numpy()
    for y, x in np.ndindex(10, 10):
        covariance = np.cov(vectors[:, :, y, x], rowvar=False) + 0.01 * np.eye(3)
        deviation = test[:, :, y, x].double().numpy() - vectors[:, :, y, x].mean(0)
        expected = np.sqrt(np.einsum("bc,cd,bd->b", deviation, np.linalg.inv(covariance), deviation))
        np.testing.assert_allclose(prediction.anomaly_maps[:, y, x], expected, rtol=1e-3)
    assert torch.equal(prediction.image_scores, prediction.anomaly_maps.amax((1, 2)))


def test_separate_levels_sum_the_maps_of_pipelines_of_one_layer(generator):
    train, test = batches(generator), torch.rand(2, 3, 10, 10, generator=generator)
    joined = fitted(train, backbone=TwoScales(), levels=Separate()).predict(test).anomaly_maps

    class OneScale(TwoScales):
        def __init__(self, layer):
            super().__init__()
            self.layer = layer

        def extract(self, images):
            return Features({self.layer: super().extract(images).maps[self.layer]})

    single = [
        fitted(train, backbone=OneScale(layer)).predict(test).anomaly_maps for layer in ("fine", "coarse")
    ]
    torch.testing.assert_close(joined, single[0] + single[1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("reducer", [Identity(), PCA(4), RandomChannels(4), RandomChannels(1)])
def test_reducing_layers_apart_changes_no_prediction(generator, reducer):
    class Hidden(Reducer):
        """The same reducer, but not known to be linear."""

        def __init__(self):
            self.reducer = copy.deepcopy(reducer)

        def fit(self, stream):
            self.reducer.fit(stream)

        def transform(self, embedding):
            return self.reducer.transform(embedding)

        def state_dict(self):
            return self.reducer.state_dict()

        def load_state_dict(self, state):
            self.reducer.load_state_dict(state)

    train, test = batches(generator), torch.rand(2, 3, 10, 10, generator=generator)
    apart, whole = (
        fitted(train, backbone=TwoScales(), reducer=part).predict(test) for part in (reducer, Hidden())
    )
    torch.testing.assert_close(apart.anomaly_maps, whole.anomaly_maps, rtol=1e-4, atol=1e-4)


def test_layers_of_a_linear_reducer_are_never_aligned_to_score_or_to_fit_a_density(generator):
    class Apart(Reducer, LinearReducer):
        """Takes what is not aligned, and refuses what is once it has been fitted."""

        def fit(self, stream):
            next(iter(stream))

        def transform(self, embedding):
            raise AssertionError("aligned")

        def transform_then_align(self, maps, align):
            return align(maps[1])

        def state_dict(self):
            return {}

        def load_state_dict(self, state):
            pass

    pipeline = fitted(batches(generator), backbone=TwoScales(), reducer=Apart())
    assert pipeline.predict(torch.rand(1, 3, 10, 10, generator=generator)).anomaly_maps.shape == (1, 10, 10)


def test_the_density_learns_how_many_batches_there_are(generator):
    hints = []

    class Curious(DensityModel):
        def fit(self, stream):
            hints.append(length_hint(stream, 0))

        def score(self, embedding):
            return Scores(embedding.patches[:, 0])

        def state_dict(self):
            return {}

        def load_state_dict(self, state):
            pass

    fitted(batches(generator, 12), density=Curious())
    assert hints == [3]


def test_separate_levels_share_one_pass_over_the_images(generator):
    backbone = TwoScales()
    fitted(batches(generator), backbone=backbone, levels=Separate(), reducer=PCA(2))
    first, others, passes = 1, 2, 2  # batches; the first is not computed again
    assert backbone.runs == first + passes * others


def test_each_level_has_a_reducer_and_a_density_of_its_own(generator):
    pipeline = fitted(batches(generator), backbone=TwoScales(), levels=Separate())
    shapes = {key: value.shape for key, value in pipeline.state_dict().items() if key.endswith("mean")}
    assert shapes == {"heads/densities/fine/mean": (100, 3), "heads/densities/coarse/mean": (25, 3)}
    with pytest.raises(NotFitted):
        pipeline.density.state_dict()


def test_batch_size_does_not_matter(generator):
    images = torch.rand(12, 3, 10, 10, generator=generator)
    paths = tuple(map(str, range(12)))
    one = fitted([Batch(images, paths)]).predict(images).anomaly_maps
    many = fitted([Batch(images[i : i + 1], paths[i : i + 1]) for i in range(12)])
    single = torch.cat([many.predict(image[None]).anomaly_maps for image in images])
    torch.testing.assert_close(single, one, rtol=1e-3, atol=1e-4)


def test_a_second_fit_forgets_the_first(generator):
    first, second, test = (
        batches(generator),
        batches(generator, size=8),
        torch.rand(2, 3, 8, 8, generator=generator),
    )
    pipeline = fitted(first)
    pipeline.fit(second)
    assert torch.equal(pipeline.predict(test).anomaly_maps, fitted(second).predict(test).anomaly_maps)


def test_a_failed_fit_leaves_what_was_learnt(generator):
    pipeline, test = fitted(batches(generator)), torch.rand(2, 3, 10, 10, generator=generator)
    before = pipeline.predict(test).anomaly_maps
    with pytest.raises(BadShape, match=r"10 x 10 pixels, got 6 x 6 \(\"0.png\"\)"):
        pipeline.fit([*batches(generator), *batches(generator, size=6)])
    assert torch.equal(pipeline.predict(test).anomaly_maps, before)


@pytest.mark.parametrize("reducer", [Identity(), PCA(2), RandomChannels(2)])
def test_update_equals_a_fit_on_all_images_with_the_same_reducer(generator, reducer):
    data, test = batches(generator, 16), torch.rand(2, 3, 10, 10, generator=generator)
    pipeline = fitted(data[:2], reducer=reducer)
    pipeline.update(data[2:])
    if isinstance(reducer, PCA):  # keeps its first components, so that only the count can be compared
        assert pipeline.state_dict()["heads/densities/joint/count"] == 16
    else:
        expected = fitted(data, reducer=reducer).predict(test).anomaly_maps
        torch.testing.assert_close(pipeline.predict(test).anomaly_maps, expected, rtol=1e-3, atol=1e-3)


def test_merge_equals_a_fit_on_all_images(generator):
    data, test = batches(generator, 16), torch.rand(2, 3, 10, 10, generator=generator)
    pipeline = fitted(data[:1])
    pipeline.merge(fitted(data[1:]))
    expected = fitted(data).predict(test).anomaly_maps
    torch.testing.assert_close(pipeline.predict(test).anomaly_maps, expected, rtol=1e-3, atol=1e-3)


def test_merging_different_representations_is_refused(generator):
    with pytest.raises(CannotMerge, match="PCA.*different representations"):
        fitted(batches(generator), reducer=PCA(2)).merge(fitted(batches(generator), reducer=PCA(2)))
    with pytest.raises(CannotMerge, match="same arguments"):
        fitted(batches(generator)).merge(fitted(batches(generator), density=Gaussian(eps=0.5)))
    with pytest.raises(BadShape, match="fitted on images of"):
        fitted(batches(generator)).merge(fitted(batches(generator, size=8)))


def test_a_restored_pipeline_predicts_the_same_bit_for_bit(generator):
    pipeline, test = fitted(batches(generator), reducer=PCA(2)), torch.rand(2, 3, 10, 10, generator=generator)
    restored = pixel_pipeline(reducer=PCA(2))
    restored.load_state_dict(pipeline.state_dict())
    assert torch.equal(restored.predict(test).anomaly_maps, pipeline.predict(test).anomaly_maps)


def test_a_copy_can_be_updated_without_changing_the_original(generator):
    pipeline, test = fitted(batches(generator)), torch.rand(2, 3, 10, 10, generator=generator)
    before = pipeline.predict(test).anomaly_maps
    copy.deepcopy(pipeline).update(batches(generator))
    assert torch.equal(pipeline.predict(test).anomaly_maps, before)


def test_fewer_than_two_images_are_refused(generator):
    with pytest.raises(BadData, match="at least 2 training images, found 1"):
        fitted(batches(generator, 1))
    with pytest.raises(BadData, match="no training images"):
        fitted([])


def test_batches_that_can_be_read_only_once_are_refused(generator):
    with pytest.raises(BadArgument, match="read only once"):
        fitted(iter(batches(generator)))


def test_anomalous_training_images_are_refused(generator):
    labels = torch.tensor([False, False, True, False])
    with pytest.raises(BadData, match='"2.png" is labelled anomalous'):
        fitted(batches(generator, 4, labels=labels))


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_features_that_are_not_finite_are_refused_with_the_image(generator, value):
    data = batches(generator)
    data[1].images[2, 0, 0, 0] = value
    with pytest.raises(
        BadFeatures, match='Pixels returned NaN or infinite features in layer "pixels" for "6.png"'
    ):
        fitted(data)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.rand(1, 1, 10, 10), "Convert grey images to RGB"),
        (torch.rand(1, 3, 10, 10) * 255, "Divide bytes by 255"),
        (torch.ones(1, 3, 10, 10).to(torch.uint16), "got torch.uint16. Divide them"),
        (torch.rand(0, 3, 10, 10), "Expected images of shape"),
    ],
)
def test_images_that_are_no_rgb_from_0_to_1_are_refused(images, message):
    from padimkit.pipeline import checks

    batch = Batch.__new__(Batch)  # the type checker of the tests would refuse them first
    for name, value in {"images": images, "paths": ("x",) * len(images)}.items():
        object.__setattr__(batch, name, value)
    check = getattr(checks.require_images, "__wrapped__", checks.require_images)
    with pytest.raises((BadShape, BadImage), match=message):
        check(batch)


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        ({}, "no feature maps"),
        ({"a": torch.rand(1, 2, 4, 4)}, r"shape \(1, 2, 4, 4\) for 4 images"),
        ({"a": torch.rand(4, 2, 2, 2), "b": torch.rand(4, 2, 4, 4)}, "expected the finest first"),
    ],
)
def test_a_backbone_that_breaks_its_contract_is_refused(generator, maps, message):
    class Odd(TwoScales):
        def extract(self, images):
            return Features(maps)

    with pytest.raises(BadFeatures, match=message):
        fitted(batches(generator), backbone=Odd())


def test_a_density_that_returns_nan_is_refused(generator):
    class Odd(DensityModel):
        def fit(self, stream):
            pass

        def score(self, embedding):
            return Scores(embedding.patches[:, 0] * float("nan"))

        def state_dict(self):
            return {}

        load_state_dict = fit

    with pytest.raises(BadFeatures, match="Odd returned NaN or infinite scores"):
        fitted(batches(generator), density=Odd()).predict(torch.rand(1, 3, 10, 10, generator=generator))


def test_a_failed_update_leaves_what_was_learnt(generator):
    pipeline, test = fitted(batches(generator)), torch.rand(2, 3, 10, 10, generator=generator)
    before = pipeline.predict(test).anomaly_maps
    with pytest.raises(BadShape):
        pipeline.update([*batches(generator), *batches(generator, size=6)])
    assert torch.equal(pipeline.predict(test).anomaly_maps, before)


def test_what_a_part_has_learnt_before_does_not_count(generator):
    reducer = PCA(2)
    reducer.fit([Embedding(100 * torch.rand(2, 3, 4, 4, generator=generator))])
    data = batches(generator)
    maps = [
        fitted(data, backbone=TwoScales(), levels=Separate(), reducer=part)
        .predict(data[0].images)
        .anomaly_maps
        for part in (reducer, PCA(2))
    ]
    assert torch.equal(*maps)


def test_images_of_another_size_are_refused(generator):
    with pytest.raises(BadShape, match="expects images of 10 x 10 pixels, got 12 x 12"):
        fitted(batches(generator)).predict(torch.rand(1, 3, 12, 12, generator=generator))


def test_use_before_fit_is_refused(generator):
    pipeline = pixel_pipeline()
    uses = (
        lambda: pipeline.predict(torch.rand(1, 3, 10, 10, generator=generator)),
        lambda: pipeline.update(batches(generator)),
        lambda: pipeline.merge(fitted(batches(generator))),
        pipeline.state_dict,
    )
    for use in uses:
        with pytest.raises(NotFitted, match="before fit"):
            use()


def test_a_density_that_cannot_be_updated_or_merged_says_so(generator):
    class Rigid(DensityModel):
        def fit(self, stream):
            list(stream)

        def score(self, embedding):
            return Scores(embedding.patches[:, 0])

        def state_dict(self):
            return {}

        def load_state_dict(self, state):
            pass

    pipeline = fitted(batches(generator), density=Rigid())
    with pytest.raises(BadArgument, match="Rigid cannot be updated"):
        pipeline.update(batches(generator))
    with pytest.raises(BadArgument, match="Rigid cannot be merged"):
        pipeline.merge(fitted(batches(generator), density=Rigid()))


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(BadArgument, match='"cuda:99" cannot be used here'):
        pixel_pipeline().to("cuda:99")
    with pytest.raises(BadArgument, match='"gpu" cannot be used here'):
        pixel_pipeline().to("gpu")


def test_the_same_seed_gives_the_same_result_bit_for_bit(generator):
    data, test = batches(generator), torch.rand(2, 3, 10, 10, generator=generator)
    maps = [fitted(data, reducer=RandomChannels(2, seed=5)).predict(test).anomaly_maps for _ in range(2)]
    assert torch.equal(*maps)


def test_batches_in_another_order_in_each_pass_are_all_learnt(generator):
    """The first batch of the first pass must not stand for whichever comes first in a later one."""
    data = batches(generator)

    class Turning:
        passes = 0

        def __iter__(self):
            self.passes += 1
            return iter(data if self.passes % 2 else data[::-1])

    expected, found = (fitted(one).predict(data).image_scores for one in (data, Turning()))
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


OTHER = {"map": AnomalyMap(sigma=2.0), "augmentation": Augmentation(("RandomHorizontalFlip(p=0.5)",))}


@pytest.mark.parametrize("part", OTHER)
def test_pipelines_of_other_maps_or_augmentations_are_not_merged(generator, part):
    data = batches(generator)
    first, second = fitted(data), fitted(data)
    setattr(second, part, OTHER[part])
    with pytest.raises(CannotMerge):
        first.merge(second)
