"""The encoders beside patches that are cut out one by one."""

import pytest
import torch

from padimkit.testing.program import global_random_state
from padimkit_patch_svdd.encoder import Encoder, grid
from padimkit_patch_svdd.training import new_networks


def tiny(patch=8, channels=2, **arguments):
    return new_networks(
        **{"channels": channels, "patch": patch, "width": 3, "dimension": 5, "seed": 0, **arguments}
    )[0].encoder


@torch.no_grad()
@pytest.mark.parametrize(
    ("patch", "stride", "size"), [(8, 2, (16, 16)), (8, 4, (33, 29)), (12, 6, (40, 31)), (16, 16, (49, 34))]
)
def test_a_pass_over_the_image_embeds_all_patches_as_one_by_one(generator, patch, stride, size):
    encoder, images = tiny(patch), torch.randn(2, 2, *size, generator=generator)
    found = encoder.embed_all(images, stride=stride)
    for maps, embed, side, step in zip(
        found,
        (encoder.embed_small, encoder.embed_large),
        (patch, 2 * patch),
        (stride, 4 * stride),
        strict=True,
    ):
        rows, columns = (range(0, length - side + 1, step) for length in size)
        assert maps.shape[2:] == (len(rows), len(columns))
        for i, y in enumerate(rows):
            for j, x in enumerate(columns):
                alone = embed(images[:, :, y : y + side, x : x + side])
                torch.testing.assert_close(maps[:, :, i, j], alone, rtol=1e-4, atol=1e-6)


@torch.no_grad()
def test_a_large_patch_is_aggregated_from_its_quarters_in_their_places(generator):
    encoder, patches = tiny(), torch.randn(3, 2, 16, 16, generator=generator)
    weight, bias = encoder.aggregation.weight, encoder.aggregation.bias
    joined = bias.repeat(3, 1)
    for row in (0, 1):
        for column in (0, 1):
            quarter = patches[:, :, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
            joined = joined + encoder.embed_small(quarter) @ weight[:, :, row, column].T
    hidden = torch.where(joined > 0, joined, 0.1 * joined)
    expected = torch.tanh(hidden @ encoder.mixing.weight[:, :, 0, 0].T + encoder.mixing.bias)
    torch.testing.assert_close(encoder.embed_large(patches), expected, rtol=1e-4, atol=1e-6)


def test_the_full_encoder_has_the_layers_of_the_authors_program():
    encoder = Encoder(channels=3, patch=32, width=32, dimension=64)
    layers = [layer for layer in encoder.small if isinstance(layer, torch.nn.Conv2d)]
    assert [layer.out_channels for layer in layers] == [32, 64, 128, 128, 64, 32, 32, 64]
    assert encoder.small(torch.rand(1, 3, 32, 32)).shape == (1, 64, 1, 1)
    assert encoder.aggregation.weight.shape == (128, 64, 2, 2)
    assert grid(256, patch=32, stride=4) == 57 and grid(256, patch=64, stride=16) == 13


def test_weights_depend_on_the_seed_alone_and_leave_the_shared_generators_alone():
    before = global_random_state()
    first, again, other = tiny(), tiny(), tiny(seed=1)
    assert global_random_state() == before
    assert torch.equal(first.mixing.weight, again.mixing.weight)
    assert not torch.equal(first.mixing.weight, other.mixing.weight)
