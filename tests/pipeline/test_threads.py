"""One pipeline can score for many threads at a time, and scoring changes nothing that was learnt."""

import copy
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import torch

from padimkit import (
    Batch,
    FilterBank,
    Gaussian,
    Pipeline,
    Preprocessing,
    RandomChannels,
    Spade,
    Timm,
    TorchModule,
    load,
    save,
)

THREADS, ROUNDS = 4, 3
SIZES = Preprocessing(64, 64)

BACKBONES = {
    "filter_bank": FilterBank,
    "timm by stages": lambda: Timm("resnet18", ["layer1", "layer2"], weights="none"),
    "timm by hooks": lambda: Timm("resnet18", ["layer1.0", "layer2.0"], weights="none"),
    "timm of another family": lambda: Timm("efficientnet_b0", [1, 2], weights="none"),
    "torch_module": lambda: TorchModule(
        {"class_path": "torchvision.models.resnet18"}, ["layer1", "layer2"], weights="as_made"
    ),
}
DENSITIES = {
    "gaussian, waiting samples": lambda: Gaussian(),
    "gaussian, ledoit_wolf": lambda: Gaussian(covariance="ledoit_wolf"),
    "gaussian, shared": lambda: Gaussian(scope="shared"),
}


def fitted(backbone, density, generator, images=12):
    pipeline = Pipeline(backbone, RandomChannels(keep=8), density, preprocessing=SIZES)
    pipeline.fit(torch.rand(images, 3, 64, 64, generator=generator), batch_size=5)
    return pipeline


def questions(generator):
    return [torch.rand(1, 3, 64, 64, generator=generator) * scale for scale in (1.0, 0.7, 0.4, 0.1)]


def require_same_from_threads(pipeline, alone, images):
    barrier = Barrier(THREADS)

    def scores(number):
        barrier.wait()
        return [float(pipeline.predict(images[number], progress=False).image_scores) for _ in range(ROUNDS)]

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(scores, range(THREADS)))
    for expected, row in zip(alone, found, strict=True):
        assert row == pytest.approx([expected] * ROUNDS, rel=1e-4)


@pytest.mark.parametrize("backbone", BACKBONES.values(), ids=BACKBONES)
def test_threads_that_share_a_backbone_get_the_scores_of_calls_in_turn(backbone, generator):
    pipeline, images = fitted(backbone(), Gaussian(), generator), questions(generator)
    alone = [float(copy.deepcopy(pipeline).predict(image).image_scores) for image in images]
    require_same_from_threads(pipeline, alone, images)


@pytest.mark.parametrize("density", DENSITIES.values(), ids=DENSITIES)
def test_threads_that_share_a_density_get_the_scores_of_calls_in_turn(density, generator, tmp_path):
    pipeline, images = fitted(FilterBank(), density(), generator), questions(generator)
    save(pipeline, tmp_path / "model")
    updated = copy.deepcopy(pipeline)
    updated.update(torch.rand(5, 3, 64, 64, generator=generator))
    for shared in (pipeline, load(tmp_path / "model"), updated):
        alone = [float(copy.deepcopy(shared).predict(image).image_scores) for image in images]
        for _ in range(5):  # the first calls of a fresh copy are those that prepare what scoring needs
            require_same_from_threads(copy.deepcopy(shared), alone, images)


@pytest.mark.parametrize("density", DENSITIES.values(), ids=DENSITIES)
def test_scoring_leaves_what_was_learnt_as_it_is(density, generator):
    """Bit for bit, the state now and the state after a later update."""
    pipeline, images = fitted(FilterBank(), density(), generator), questions(generator)
    more = torch.rand(5, 3, 64, 64, generator=generator)
    untouched = copy.deepcopy(pipeline)
    before = {name: tensor.clone() for name, tensor in pipeline.state_dict().items()}
    for image in images:
        pipeline.predict(image)
    for expected in (before, None):
        if expected is None:
            pipeline.update(more)
            untouched.update(more)
            expected = untouched.state_dict()
        found = pipeline.state_dict()
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_weights_that_are_read_when_first_needed_are_read_once(tmp_path, generator, monkeypatch):
    from padimkit.backbones import timm as module

    drawn = Timm("resnet18", ["layer1"], weights="none")
    torch.save(drawn.state_dict(), tmp_path / "weights.pth")
    reads, read = [], module.read
    monkeypatch.setattr(module, "read", lambda *args: reads.append(1) or read(*args))
    shared, barrier = Timm("resnet18", ["layer1"], weights=str(tmp_path / "weights.pth")), Barrier(THREADS)
    image = torch.rand(1, 3, 64, 64, generator=generator)

    def extract(_):
        barrier.wait()
        return shared.extract(image).maps["layer1"]

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(extract, range(THREADS)))
    assert len(reads) == 1
    assert all(torch.equal(one, drawn.extract(image).maps["layer1"]) for one in found)


def test_spade_shares_its_gallery(generator):
    density = Spade(image_neighbours=3, gallery_neighbours=3)
    pipeline = Pipeline(FilterBank(), RandomChannels(keep=8), density, preprocessing=SIZES)
    pipeline.fit([Batch(torch.rand(6, 3, 64, 64, generator=generator), tuple("abcdef"))])
    images = questions(generator)
    alone = [float(pipeline.predict(image).image_scores) for image in images]
    require_same_from_threads(pipeline, alone, images)
