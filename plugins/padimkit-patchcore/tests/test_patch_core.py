"""The contract, and the mathematics against NumPy in float64."""

import zlib

import numpy as np
import pytest
import torch
from scipy.ndimage import uniform_filter
from scipy.spatial.distance import cdist
from torch.nn.functional import interpolate

import padimkit
from padimkit import BadArgument, BadData, BadShape, DensityModel, Embedding, Features, NotFitted, Pyramid
from padimkit.memory import OnDisk, held_by
from padimkit.testing.pytest import contract_checks
from padimkit_patchcore import PatchCore
from padimkit_patchcore.coreset import PROJECTED, Sketch, greedy_coreset


@contract_checks(DensityModel)
@pytest.mark.parametrize("index", ["Flat", "IVF2,Flat"])
def test_contract(check, index):
    check(lambda: PatchCore(ratio=0.2, index=index))


@pytest.fixture
def seed(request):
    """The test's own, the same in each run."""
    return zlib.crc32(request.node.nodeid.encode())


@pytest.fixture
def generator(seed):
    return torch.Generator().manual_seed(seed)


def embedding(generator, count, channels=6, height=4, width=5):
    return Embedding(5 + torch.randn(count, channels, height, width, generator=generator))


def rows_of(embedding):
    return embedding.patches.permute(0, 2, 3, 1).flatten(0, 2).double().numpy()


def fitted(train, **arguments):
    model = PatchCore(**{"ratio": 0.25, "neighbours": 4} | arguments)
    model.fit(Embedding(part) for part in train.patches.split(3))
    return model


def greedy(vectors, count, first):
    """Farthest first, over the whole matrix of distances."""
    distances, chosen = cdist(vectors, vectors), [first]
    while len(chosen) < count:
        chosen.append(int(distances[:, chosen].min(1).argmax()))
    return chosen


@pytest.mark.parametrize("count", [1, 2, 40, 200])
def test_the_coreset_is_chosen_farthest_first(generator, count):
    vectors = 5 + torch.randn(200, 7, generator=generator, dtype=torch.float64)
    found = greedy_coreset(vectors, count=count, seed=3).tolist()
    assert len(set(found)) == count
    assert found == greedy(vectors.numpy(), count, found[0])


def test_copies_are_never_chosen_twice():
    assert sorted(greedy_coreset(torch.ones(5, 3), count=5, seed=0).tolist()) == [0, 1, 2, 3, 4]


def test_a_sketch_keeps_distances_roughly_and_few_dimensions_exactly(generator):
    few, many = (torch.randn(50, channels, generator=generator) for channels in (PROJECTED, 900))
    for vectors, tolerance in ((few, 1e-6), (many, 0.5)):
        sketch = Sketch(seed=1)
        for part in vectors.split(20):
            sketch.add(part)
        found, expected = torch.pdist(sketch.vectors()), torch.pdist(vectors)
        assert ((found - expected) / expected).abs().max() < tolerance
        assert sketch.vectors().shape[1] == PROJECTED


def test_scores_are_those_of_the_paper(generator):
    train, test = embedding(generator, 8), embedding(generator, 3)
    model = fitted(train)
    bank = model.state_dict()["bank"].double().numpy()
    known = {tuple(row) for row in rows_of(train)}
    assert len(bank) == 40 and all(tuple(row) in known for row in bank)
    distances = cdist(rows_of(test), bank)
    nearest = distances.min(1).reshape(3, 20)
    found = model.score(test)
    np.testing.assert_allclose(found.patches.flatten(1), nearest, rtol=1e-5)
    for image in range(3):
        row = 20 * image + nearest[image].argmax()
        around = np.argsort(cdist(bank, bank)[distances[row].argmin()])[:4]
        weight = 1 - np.exp(nearest[image].max()) / np.exp(distances[row, around]).sum()
        np.testing.assert_allclose(found.images[image], weight * nearest[image].max(), rtol=1e-5)


def test_scores_are_those_of_the_authors_program_too(generator):
    train, test = embedding(generator, 8), embedding(generator, 3)
    model = fitted(train, distance="squared", image_score="largest")
    bank = model.state_dict()["bank"].double().numpy()
    nearest = cdist(rows_of(test), bank, "sqeuclidean").min(1).reshape(3, 20)
    traced = model.traceable()(Pyramid((test.patches,)))
    for found in (model.score(test), traced):
        np.testing.assert_allclose(found.patches.flatten(1), nearest, rtol=1e-5)
        np.testing.assert_allclose(found.images, nearest.max(1), rtol=1e-5)


@pytest.mark.parametrize("image_score", ["weighted", "largest"])
def test_each_distance_goes_with_each_score_of_images(generator, image_score):
    train, test = embedding(generator, 8), embedding(generator, 3)
    plain, squared = (
        fitted(train, distance=distance, image_score=image_score).score(test)
        for distance in ("euclidean", "squared")
    )
    torch.testing.assert_close(squared.patches, plain.patches.square())
    farthest = plain.patches.flatten(1).amax(1)
    torch.testing.assert_close(squared.images, plain.images * farthest)


def test_features_are_those_of_the_authors_program(generator):
    """Averages over 3 x 3 with zeros around the map, then bilinear alignment, as written there."""
    maps = {"fine": (4, 6, 8), "coarse": (5, 3, 4)}
    features = Features({name: torch.randn(2, *size, generator=generator) for name, size in maps.items()})
    levels = padimkit.load_recipe("patchcore-r18-1").levels
    found = levels.split(features)["joint"].embedding().patches
    averages = [
        torch.from_numpy(uniform_filter(layer.numpy(), (1, 1, 3, 3), mode="constant"))
        for layer in features.maps.values()
    ]
    grown = interpolate(averages[1], (6, 8), mode="bilinear", align_corners=False)
    torch.testing.assert_close(found, torch.cat([averages[0], grown], 1))


def test_far_patches_do_not_overflow(generator):
    train = embedding(generator, 8)
    scores = fitted(train).score(Embedding(train.patches * 1e4))
    assert scores.images.isfinite().all() and (scores.images > 0).all()


def test_the_whole_of_the_patches_can_be_kept(generator):
    train = embedding(generator, 4)
    assert fitted(train, ratio=1.0).score(train).patches.max() < 1e-6


def test_patches_over_the_budget_are_kept_in_files(generator, monkeypatch):
    spooled = []
    empty = OnDisk.empty
    monkeypatch.setattr(OnDisk, "empty", lambda *arguments: spooled.append(1) or empty(*arguments))
    train = embedding(generator, 9)
    found = fitted(train, memory_budget=3e-6).state_dict()["bank"]
    assert len(spooled) == 1
    assert torch.equal(found, fitted(train).state_dict()["bank"])


def test_an_index_of_faiss_can_be_chosen(generator):
    train, test = embedding(generator, 8), embedding(generator, 2)
    exact, approximate = fitted(train).score(test), fitted(train, index="HNSW32").score(test)
    torch.testing.assert_close(approximate.patches, exact.patches, rtol=0.3, atol=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ratio": 0.0}, '"ratio" above 0 and up to 1, got 0'),
        ({"ratio": 1.5}, "got 1.5"),
        ({"neighbours": 1}, '"neighbours" of at least 2, got 1'),
        ({"memory_budget": 0.0}, '"memory_budget" above 0 GB, got 0'),
        ({"ratio": 0.02}, '"neighbours" is 4, but a "ratio" of 0.02 keeps only 3 of 160 patches'),
        ({"distance": "manhattan"}, '"distance" to be one of euclidean, squared, got "manhattan"'),
        ({"image_score": "mean"}, '"image_score" to be one of weighted, largest, got "mean"'),
        ({"index": "Nonsense"}, '"index" of "Nonsense" for 40 patches of 6 channels'),
        ({"index": "IVF1000,Flat"}, '"index" of "IVF1000,Flat" for 40 patches'),
    ],
)
def test_what_cannot_be_done_is_refused(generator, arguments, message):
    with pytest.raises(BadArgument, match=message):
        fitted(embedding(generator, 8), **arguments)


def test_an_index_that_finds_too_few_neighbours_is_refused(generator):
    with pytest.raises(BadArgument, match='"IVF40,Flat" finds fewer than 4 neighbours'):
        fitted(embedding(generator, 8), index="IVF40,Flat").score(embedding(generator, 1))


def test_other_channels_an_empty_stream_and_use_before_fit_are_refused(generator):
    with pytest.raises(BadShape, match="fitted on 6 channels, got 5"):
        fitted(embedding(generator, 8)).score(embedding(generator, 1, channels=5))
    with pytest.raises(BadData, match="no embeddings"):
        PatchCore().fit([])
    with pytest.raises(NotFitted, match="before fit"):
        PatchCore().score(embedding(generator, 1))


@pytest.mark.parametrize("name", ["lite0-1", "r18-1", "r18-10", "wr50-1", "wr50-10", "wr50-25"])
def test_its_recipes_are_found_by_name(name):
    recipe = padimkit.load_recipe(f"patchcore-{name}")
    assert (
        isinstance(recipe.density, PatchCore) and recipe.density.ratio == int(name.rpartition("-")[2]) / 100
    )
    assert recipe.levels.border == "zeros" and recipe.map.upsampling == "bilinear"


def test_a_learnt_image_is_scored_by_the_patches_of_the_others(generator):
    train = embedding(generator, 8)
    model = fitted(train)
    bank = model.state_dict()["bank"].double().numpy()
    score = model.leave_one_out()
    for number in (0, 3, 7):
        image = Embedding(train.patches[number : number + 1])
        own = {tuple(row) for row in rows_of(image)}
        others = np.array([row for row in bank if tuple(row) not in own])
        assert 0 < len(others) < len(bank)
        nearest = cdist(rows_of(image), others).min(1).reshape(4, 5)
        np.testing.assert_allclose(score(image, [number]).patches[0], nearest, rtol=1e-5)


def test_a_coreset_of_all_patches_leaves_out_as_a_fit_on_the_others(generator):
    train = embedding(generator, 6)
    found = fitted(train, ratio=1.0).leave_one_out()(train, range(6))
    for number in range(6):
        others = Embedding(torch.cat([train.patches[:number], train.patches[number + 1 :]]))
        refit = fitted(others, ratio=1.0).score(Embedding(train.patches[number : number + 1]))
        torch.testing.assert_close(found.patches[number], refit.patches[0])
        torch.testing.assert_close(found.images[number], refit.images[0])


def test_a_model_that_does_not_know_whose_patches_it_kept_says_so(generator):
    train = embedding(generator, 8)
    old = PatchCore(neighbours=4)
    old.load_state_dict({"bank": fitted(train).state_dict()["bank"]})
    assert torch.equal(old.score(train).patches, fitted(train).score(train).patches)
    assert old.state_dict().keys() == {"bank"}
    with pytest.raises(BadData, match="does not say which image each patch is from"):
        old.leave_one_out()


def test_a_coreset_too_small_to_leave_an_image_out_is_refused(generator):
    train = embedding(generator, 2)
    with pytest.raises(BadData, match="Without one of the images the coreset has"):
        fitted(train, ratio=1.0, neighbours=25).leave_one_out()(train, range(2))


@pytest.mark.parametrize(("channels", "ratio"), [(6, 0.25), (200, 0.1)])
def test_it_holds_and_stores_what_its_costs_state(generator, channels, ratio):
    train = embedding(generator, 12, channels)
    model = fitted(train, ratio=ratio)
    model.score(Embedding(train.patches[:1]))
    stated = model.costs(padimkit.Problem(images=12, channels=channels, positions=20))
    stored = sum(tensor.nbytes for tensor in model.state_dict().values())
    assert (stated.held, stated.stored) == (held_by(model), stored)
    kept = round(ratio * 240)
    measured = 3 * 20 * channels  # the distance to the nearest, once more
    assert stated.use.single == 2 * (20 + 1) * kept * channels + measured  # and the neighbours for the weight
    plain = fitted(train, ratio=ratio, image_score="largest").costs(
        padimkit.Problem(images=12, channels=channels, positions=20)
    )
    assert plain.use.single == 2 * 20 * kept * channels + measured
