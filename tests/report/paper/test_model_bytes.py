import pytest
import timm
import torch

from padimkit.report.paper.model_bytes import (
    RESNET18,
    WIDE_RESNET50_2,
    gallery_bytes,
    gaussian_bytes,
    table8,
)
from padimkit.report.paper.published import published

PRINTED = {(cell.method, cell.data): cell.value for cell in published(8)}
# (what is learnt, the same and the whole backbone) in GB, and which of them is printed.
EXPECTED = {
    ("PaDiM-R18-Rd100", "MVTec AD"): (0.127, 0.173, True),
    ("PaDiM-R18-Rd100", "STC"): (0.165, 0.212, True),
    ("PaDiM-WR50-Rd550", "MVTec AD"): (3.80, 4.08, False),
    ("PaDiM-WR50-Rd550", "STC"): (4.97, 5.24, True),
    ("SPADE-WR50", "MVTec AD"): (1.36, 1.64, False),
    ("SPADE-WR50", "STC"): (36.7, 37.0, True),
}


def decimals(value):
    return len(str(value).partition(".")[2])


@pytest.mark.parametrize("found", table8(), ids=lambda found: f"{found.method} {found.data}")
def test_the_arithmetic_gives_the_printed_values(found):
    printed = PRINTED[found.method, found.data]
    assert round(found.counted / 1e9, decimals(printed)) == printed


@pytest.mark.parametrize("found", table8(), ids=lambda found: f"{found.method} {found.data}")
def test_backbones_are_counted_where_they_are_printed(found):
    learnt, whole, with_backbone = EXPECTED[found.method, found.data]
    assert found.learnt / 1e9 == pytest.approx(learnt, rel=4e-3)
    assert (found.learnt + found.backbone) / 1e9 == pytest.approx(whole, rel=4e-3)
    assert found.with_backbone is with_backbone


def test_all_cells_but_the_vae_are_explained():
    assert {(found.method, found.data) for found in table8()} == set(PRINTED) - {("VAE-R18", "MVTec AD")}


@pytest.mark.parametrize(("model", "size"), [("resnet18", RESNET18), ("wide_resnet50_2", WIDE_RESNET50_2)])
def test_a_backbone_is_the_whole_network_in_float32(model, size):
    with torch.device("meta"):
        network = timm.create_model(model)
    assert size == sum(parameter.nbytes for parameter in network.parameters())


def test_gaussians_take_what_their_tensors_take(generator):
    side, channels = torch.randint(1, 8, (2,), generator=generator).tolist()
    mean, covariance = torch.zeros(side * side, channels), torch.zeros(side * side, channels, channels)
    assert gaussian_bytes(side, channels) == mean.nbytes + covariance.nbytes


def test_a_gallery_takes_what_its_tensors_take(generator):
    images, channels, side, descriptor = torch.randint(1, 8, (4,), generator=generator).tolist()
    tensors = [
        torch.zeros(images, channels, side, side),
        torch.zeros(images, 3, 2, 2),
        torch.zeros(images, descriptor),
    ]
    expected = sum(tensor.nbytes for tensor in tensors)
    assert gallery_bytes(images, [(channels, side), (3, 2)], descriptor) == expected
