"""Distances, maps and scores beside scikit-learn and loops over patches."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from padimkit import BadArgument, BadData, BadModel, BadShape, Embedding, NotFitted
from padimkit_patch_svdd import PatchSvdd
from padimkit_patch_svdd.scoring import distances, spread

IMAGES = torch.rand(5, 3, 21, 26, generator=torch.Generator().manual_seed(0))


def fitted(images=IMAGES, **arguments):
    settings = {"patch": 8, "stride": 2, "dimension": 4, "width": 2, "epochs": 1, "patches_per_image": 1}
    density = PatchSvdd(**{**settings, **arguments})
    density.fit([Embedding(images)])
    return density


def spread_by_loops(scores, patch, stride, size):
    total, count = np.zeros(size), np.zeros(size)
    for i, row in enumerate(scores):
        for j, score in enumerate(row):
            y, x = i * stride, j * stride
            total[y : y + patch, x : x + patch] += score
            count[y : y + patch, x : x + patch] += 1
    height, width = (count > 0).any(1).sum(), (count > 0).any(0).sum()
    found = total[:height, :width] / count[:height, :width]
    return np.pad(found, ((0, size[0] - height), (0, size[1] - width)), mode="edge")


def test_distances_are_those_to_the_nearest(generator):
    embedded, bank = torch.randn(2, 4, 3, 5, generator=generator), torch.randn(50, 4, generator=generator)
    search = NearestNeighbors(n_neighbors=1).fit(bank.double().numpy())
    vectors = embedded.permute(0, 2, 3, 1).reshape(-1, 4).double().numpy()
    expected = search.kneighbors(vectors)[0].reshape(2, 3, 5)
    np.testing.assert_allclose(distances(embedded, bank).numpy(), expected, rtol=1e-5)


def test_small_distances_are_exact(generator):
    bank = 100 + torch.randn(30, 6, generator=generator)
    embedded = (bank[:4] + 1e-4).T.reshape(1, 6, 2, 2)
    expected = (embedded.reshape(6, 4).T - bank[:4]).norm(dim=1)
    torch.testing.assert_close(distances(embedded, bank).flatten(), expected, rtol=1e-5, atol=0)


@pytest.mark.parametrize(
    ("patch", "stride", "size"), [(8, 2, (16, 22)), (4, 4, (12, 8)), (6, 3, (20, 17)), (5, 1, (9, 7))]
)
def test_pixels_have_the_mean_of_the_patches_that_cover_them(generator, patch, stride, size):
    rows, columns = ((side - patch) // stride + 1 for side in size)
    scores = torch.rand(2, rows, columns, generator=generator)
    found = spread(scores, patch=patch, stride=stride, size=size)
    for one, expected in zip(found, scores.double().numpy(), strict=True):
        np.testing.assert_allclose(one.numpy(), spread_by_loops(expected, patch, stride, size), rtol=1e-5)


@torch.no_grad()
def test_scores_are_the_product_of_both_scales_patch_by_patch(generator):
    density, image = fitted(), torch.rand(1, 3, 21, 26, generator=generator)
    encoder, mean = density._encoder, IMAGES.double().mean(0).float()
    maps = []
    for patch, stride, embed in ((8, 2, encoder.embed_small), (16, 8, encoder.embed_large)):

        def embedded(one, patch=patch, stride=stride, embed=embed):
            places = range(0, 21 - patch + 1, stride), range(0, 26 - patch + 1, stride)
            cuts = [one[None, :, y : y + patch, x : x + patch] for y in places[0] for x in places[1]]
            return embed(torch.cat(cuts)).double(), [len(axis) for axis in places]

        bank = torch.cat([embedded(other - mean)[0] for other in IMAGES])
        vectors, shape = embedded(image[0] - mean)
        near = torch.cdist(vectors, bank, compute_mode="donot_use_mm_for_euclid_dist").amin(1)
        maps.append(spread_by_loops(near.reshape(shape).numpy(), patch, stride, (21, 26)))
    scores = density.score(Embedding(image))
    assert scores.images is None
    np.testing.assert_allclose(scores.patches[0].numpy(), maps[0] * maps[1], rtol=1e-3)


def test_a_square_in_a_corner_scores_highest_there():
    images = 0.5 + 0.01 * torch.randn(6, 3, 40, 50, generator=torch.Generator().manual_seed(1))
    density, odd = fitted(images, stride=4), images[:1].clone()
    odd[:, :, 2:10, 38:48] = 1.0
    scores = density.score(Embedding(odd)).patches[0]
    row, column = divmod(int(scores.argmax()), 50)
    assert row < 12 and column > 34


def test_images_of_another_size_or_too_small_are_refused():
    with pytest.raises(
        BadShape, match=r"shape \(3, 21, 26\), got \(3, 26, 21\). Resize and crop them alike."
    ):
        fitted().score(Embedding(IMAGES.mT))
    with pytest.raises(BadShape, match="at least 16 x 16 pixels, got 21 x 15. Resize them to more"):
        fitted(IMAGES[..., :15])
    with pytest.raises(BadShape, match=r"got \(3, 21, 26\) and \(3, 21, 25\)"):
        fitted().fit([Embedding(IMAGES), Embedding(IMAGES[..., :25])])
    with pytest.raises(BadData, match="PatchSvdd.fit was given no embeddings."):
        fitted().fit([])


def test_use_before_fit_is_refused():
    for use in (PatchSvdd().state_dict, lambda: PatchSvdd().score(Embedding(IMAGES))):
        with pytest.raises(NotFitted, match="PatchSvdd was used before fit."):
            use()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"patch": 10}, 'Expected "patch" to be a multiple of 4, got 10.'),
        ({"patch": 36}, 'Expected "patch" of at most 32, got 36.'),
        ({"stride": 3}, 'Expected "stride" to be even and to divide "patch", 32; got 3.'),
        ({"stride": 6}, 'Expected "stride" to be even and to divide "patch", 32; got 6.'),
        ({"epochs": 0}, 'Expected "epochs" of at least 1, got 0.'),
        ({"learning_rate": 0.0}, 'Expected "learning_rate" above 0, got 0.0.'),
        ({"svdd_weight": -1.0}, '"svdd_weight"'),
        ({"svdd_weight": float("nan")}, '"svdd_weight"'),
        ({"memory_budget": -1.0}, '"memory_budget"'),
        ({"seed": -1}, '"seed"'),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(BadArgument, match=message):
        PatchSvdd(**arguments)


@pytest.mark.parametrize(
    "change",
    [
        {"small": lambda tensor: tensor[1:]},
        {"large": lambda tensor: tensor[: len(tensor) // 5]},
        {"mean": lambda tensor: tensor[:, :18]},
        {"mean": lambda tensor: tensor[:, :9]},
        {"encoder.mixing.bias": lambda tensor: tensor[1:]},
        {"encoder.mixing.bias": lambda tensor: tensor / 0},
    ],
)
def test_states_that_do_not_fit_are_refused(change):
    state = fitted().state_dict()
    for name, alter in change.items():
        state[name] = alter(state[name])
    with pytest.raises(BadModel, match="The state of PatchSvdd"):
        fitted().load_state_dict(state)
    with pytest.raises(BadModel, match="lacks"):
        fitted().load_state_dict({})
