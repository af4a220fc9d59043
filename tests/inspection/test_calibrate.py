"""Calibrations beside pipelines that were really fitted without the images."""

import numpy as np
import pytest
import torch

from padimkit import (
    PCA,
    AnomalyMap,
    BadArgument,
    BadData,
    Batch,
    Gaussian,
    Identity,
    Joint,
    NotFitted,
    Pipeline,
    Pixels,
    RandomChannels,
    Separate,
    Spade,
    Timm,
    Verdict,
    calibrate,
    calibrate_held_out,
    load,
    save,
)
from padimkit.images.augmentation import Augmentation
from padimkit.images.preprocessing import Preprocessing
from padimkit.images.reader import Reader
from padimkit.images.sample import Sample

SIDE = 8


def pipeline(reducer=None, density=None, **arguments):
    parts = {"map": AnomalyMap(sigma=1.0), "preprocessing": Preprocessing(SIDE, SIDE)} | arguments
    return Pipeline(Pixels(), reducer or RandomChannels(keep=2), density or Gaussian(), **parts)


def images(generator, count):
    return torch.rand(count, 3, SIDE, SIDE, generator=generator)


def fitted(data, *arguments, **named):
    return pipeline(*arguments, **named).fit(data)


def without(data, left):
    return data[[number for number in range(len(data)) if number != left]]


@pytest.mark.parametrize("levels", [Joint(), Separate(), Separate(pooling="global")])
def test_each_image_gets_the_score_of_a_pipeline_without_it(generator, levels):
    data = images(generator, 12)
    found = calibrate(fitted(data, levels=levels), data)
    expected = [
        float(fitted(without(data, left), levels=levels).predict(data[left]).image_scores)
        for left in range(12)
    ]
    np.testing.assert_allclose([image.score for image in found.images], expected, rtol=1e-3)
    np.testing.assert_allclose(found.scores, sorted(expected), rtol=1e-3)
    assert [image.path for image in found.images] == [f"image {number}" for number in range(12)]
    assert not found.held_out


def test_a_density_of_pyramids_leaves_images_out(generator):
    layers = {"layers": ["layer1", "layer3"], "weights": "none", "descriptor": "layer4"}
    make = lambda part: Pipeline(  # noqa: E731
        Timm(model="test_resnet.r160_in1k", **layers),
        Identity(),
        Spade(3, 4),
        preprocessing=Preprocessing(32, 32),
    ).fit(part)
    data = torch.rand(8, 3, 32, 32, generator=generator)
    found = calibrate(make(data), data)
    for left in (0, 3, 7):
        expected = make(without(data, left)).predict(data[left])
        assert found.images[left].score == pytest.approx(float(expected.image_scores), rel=1e-3)


def test_maps_are_those_of_images_left_out(generator):
    data = images(generator, 12)
    model = fitted(data)
    found = calibrate(model, data, batch_size=5)
    maps = torch.cat([prediction.anomaly_maps for *_, prediction in model.predict_left_out(data)])
    np.testing.assert_allclose(found.maps.peaks, maps.amax((1, 2)).sort().values, rtol=1e-5)
    np.testing.assert_allclose(
        found.maps.backgrounds, np.sort(np.median(maps.numpy(), axis=(1, 2))), rtol=1e-5
    )
    for share, value in found.maps.quantiles:
        assert value == pytest.approx(np.quantile(maps, share), rel=1e-5)


def test_of_large_maps_some_pixels_tell_the_quantiles(generator):
    data = torch.rand(4, 3, 300, 200, generator=generator)
    model = pipeline(preprocessing=Preprocessing(300, 300)).fit(data)
    found = calibrate(model, data)
    maps = torch.cat([prediction.anomaly_maps for *_, prediction in model.predict_left_out(data)])
    assert dict(found.maps.quantiles)[0.5] == pytest.approx(np.quantile(maps, 0.5), rel=0.05)


def in_folds(data, folds, make):
    scores = torch.empty(len(data))
    for fold in range(folds):
        own = torch.arange(len(data)) % folds == fold
        scores[own] = make(data[~own]).predict(data[own]).image_scores
    return scores


@pytest.mark.parametrize("folds", [2, 5, 13])
def test_a_reducer_that_learns_is_fitted_again_for_each_fold(generator, folds):
    data = images(generator, 13)
    make = lambda part: fitted(part, PCA(keep=2))  # noqa: E731
    found = calibrate(make(data), data, folds=folds, batch_size=3)
    np.testing.assert_allclose(
        [image.score for image in found.images], in_folds(data, folds, make), rtol=1e-4
    )


@pytest.fixture
def mergeable_only(monkeypatch):
    """Gaussians that can be merged, but cannot leave images out."""
    monkeypatch.setattr("padimkit.pipeline.fitted_levels.FittedLevels.leaves_one_out", False)


def test_densities_that_can_be_merged_are_fitted_once_for_each_fold(generator, mergeable_only, monkeypatch):
    data, seen = images(generator, 13), []
    update = Gaussian.update
    monkeypatch.setattr(Gaussian, "update", lambda self, stream: update(self, map(counted, stream)))

    def counted(embedding):
        seen.append(len(embedding.patches))
        return embedding

    model = fitted(data)
    seen.clear()
    found = calibrate(model, data, folds=4)
    assert sum(seen) == 13
    np.testing.assert_allclose([i.score for i in found.images], in_folds(data, 4, fitted), rtol=1e-3)


def test_variants_of_one_image_are_left_out_together(generator, tmp_path):
    augmentation = Augmentation(("RandomHorizontalFlip(p=0.5)",), images=20)
    model = pipeline(Identity(), augmentation=augmentation)
    samples = samples_of(images(generator, 8), tmp_path)
    model.fit(samples)
    found = calibrate(model, samples, folds=3)
    scores = {}
    for fold in range(3):
        other = pipeline(Identity())
        variants = list(Reader(Preprocessing(SIDE, SIDE), 1).batches(samples).augmented(augmentation))
        other.fit([batch for number, batch in enumerate(variants) if number % 8 % 3 != fold])
        scores |= {n: float(other.predict(samples[n]).image_scores) for n in range(8) if n % 3 == fold}
    np.testing.assert_allclose(
        [image.score for image in found.images], [scores[n] for n in range(8)], rtol=1e-3
    )


def samples_of(data, folder):
    from PIL import Image

    samples = []
    for number, image in enumerate(data):
        path = folder / f"{number}.png"
        Image.fromarray((image.permute(1, 2, 0) * 255).byte().numpy()).save(path)
        samples.append(Sample(path))
    return samples


def test_new_images_are_scored_as_they_are(generator):
    model, data = fitted(images(generator, 12)), images(generator, 20)
    found = calibrate_held_out(model, data, 0.1)
    assert found.scores == tuple(sorted(model.predict(data).image_scores.tolist()))
    assert found.held_out and found.images == ()
    assert found.verdict(1e9) is Verdict.NG


def test_what_cannot_be_calibrated_is_refused(generator):
    data = images(generator, 12)
    model = fitted(data)
    with pytest.raises(NotFitted, match="predict_left_out was called before fit"):
        calibrate(pipeline(), data)
    with pytest.raises(BadData, match="not the images that the Gaussians have learnt"):
        calibrate(model, 0 * data)
    with pytest.raises(BadArgument, match='"false_alarms" of 0.01 needs 99 normal images, and there are 12'):
        calibrate(model, data, 0.01)
    with pytest.raises(BadArgument, match="can be read only once"):
        calibrate(model, iter([data]))
    with pytest.raises(BadData, match="no images to leave out"):
        calibrate(model, data[:0])
    with pytest.raises(BadData, match="no images to calibrate on"):
        calibrate_held_out(model, data[:0])
    with pytest.raises(BadArgument, match='"folds" from 2 to the 12 images, got 13'):
        calibrate(fitted(data, PCA(keep=2)), data, folds=13)
    anomalous = Batch(data, ("x",) * 12, torch.ones(12, dtype=torch.bool))
    for function in (calibrate, calibrate_held_out):
        with pytest.raises(BadData, match='"x" is labelled anomalous'):
            function(model, anomalous)


@pytest.mark.parametrize("reducer", [None, PCA(keep=2)])
def test_a_part_of_the_images_is_refused_whatever_was_learnt_later(generator, reducer, tmp_path):
    data, more = images(generator, 6), images(generator, 4)
    model = fitted(data, reducer)
    save(model, tmp_path / "model")
    for one in (model, load(tmp_path / "model")):
        with pytest.raises(BadData, match="has learnt 6 images, and those given make 5. Pass all images"):
            calibrate(one, data[:5], progress=False)
    other = fitted(more, reducer) if reducer is None else None
    model.update(more)
    assert model.learnt == 10
    with pytest.raises(BadData, match="has learnt 10 images, and those given make 6"):
        calibrate(model, data, progress=False)
    if other is not None:
        model.merge(other)
        assert model.learnt == 14
        other.load_state_dict(other.state_dict())
        model.merge(other)
        assert model.learnt is None and other.learnt is None


@pytest.mark.parametrize("batch_size", [2, 8])
def test_a_reducer_that_learns_is_told_whatever_the_size_of_a_batch(generator, batch_size):
    data = images(generator, 6)
    found = calibrate(fitted(data, PCA(keep=2)), data, folds=6, batch_size=batch_size)
    expected = [float(fitted(without(data, n), PCA(keep=2)).predict(data[n]).image_scores) for n in range(6)]
    np.testing.assert_allclose([image.score for image in found.images], expected, rtol=1e-3)
