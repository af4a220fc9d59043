"""The checks of density models find what is wrong with each of those in `broken_densities`."""

import pytest
import torch
from broken_densities import BROKEN, Distance, Growing, Neighbours, RenamesItsArgument
from violations import failed_checks

from padimkit.contracts import DensityModel
from padimkit.testing import check_density, outcomes
from padimkit.testing.check import Finding
from padimkit.testing.learners import computes_on


@pytest.mark.parametrize("density", [Distance, Growing])
def test_a_sound_density_passes_every_check(density):
    check_density(density)


@pytest.mark.parametrize("density", BROKEN, ids=lambda density: density.__name__)
def test_a_broken_density_fails_the_check_meant_for_it_alone(density):
    assert failed_checks(DensityModel, density) == {BROKEN[density]}


def test_an_argument_under_another_name_can_be_neither_read_nor_written_down():
    found = failed_checks(DensityModel, RenamesItsArgument)
    assert found == {"keeps_its_arguments", "can_be_written_down"}


def test_a_gallery_that_never_forgets_is_found_though_it_is_right_about_training_images():
    found = failed_checks(DensityModel, Neighbours)
    assert found == {"second_fit_forgets_the_first", "state_does_not_grow_with_each_fit"}


def test_results_must_be_on_the_device_of_the_input():
    cpu = torch.device("cpu")
    computes_on(cpu, Growing, lambda density, embedding: {"scores": density.score(embedding).patches})
    with pytest.raises(Finding, match='Expected "scores" on cpu, found it on meta'):
        computes_on(cpu, Growing, lambda density, embedding: {"scores": torch.zeros(2, device="meta")})


def test_every_check_of_densities_is_known_to_find_something():
    names = {outcome.check.name for outcome in outcomes(DensityModel, Growing)}
    assert names - {"computes_on_cuda"} == set(BROKEN.values())
