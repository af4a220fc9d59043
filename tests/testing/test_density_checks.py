"""The checks of density models find what is wrong with each of those in `broken_densities`."""

import pytest
import torch
from broken_densities import (
    BROKEN,
    Distance,
    Growing,
    Layered,
    Leaving,
    LiesAboutEverythingOptional,
    Neighbours,
    Preparing,
    Priced,
    RenamesItsArgument,
    Traced,
)
from violations import BROAD, failed_checks

from padimkit.contracts import DensityModel
from padimkit.testing import check_density, checks_of, outcomes
from padimkit.testing.check import Finding
from padimkit.testing.learners import computes_on

REFUSALS = "changed_states_are_refused"
THREADS = "calls_from_threads_equal_calls_in_turn"  # may fail by chance; see test_thread_checks


@pytest.mark.parametrize("density", [Distance, Growing, Layered, Priced, Leaving, Preparing, Traced])
def test_a_sound_density_passes_every_check(density):
    check_density(density)


@pytest.mark.parametrize("density", BROKEN, ids=lambda density: density.__name__)
def test_a_broken_density_fails_the_check_meant_for_it_alone(density):
    besides = {THREADS, REFUSALS} - {BROKEN[density]}  # most of them trust the state that is broken
    assert failed_checks(DensityModel, density, besides=besides) == {BROKEN[density]}


def test_an_argument_under_another_name_can_be_neither_read_nor_written_down():
    found = failed_checks(DensityModel, RenamesItsArgument, besides={REFUSALS})
    assert found == {"keeps_its_arguments", "can_be_written_down"}


def test_what_a_density_does_not_offer_is_not_checked():
    skipped = {o.check.name: o.reason for o in outcomes(DensityModel, Distance) if o.verdict == "skipped"}
    reasons = {name: reason for name, reason in skipped.items() if "pyramid" in name or "forecast" in name}
    assert len(reasons) == 7
    assert set(reasons.values()) == {"It is not a PyramidDensity.", "It is not a MemoryForecast."}


def test_a_density_that_is_wrong_in_all_that_is_optional_fails():
    found = failed_checks(DensityModel, LiesAboutEverythingOptional, besides={REFUSALS})
    assert found >= {"pyramids_equal_aligned_embeddings", "forecast_covers_the_fitted_state"}
    assert all("pyramid" in name or "forecast" in name for name in found)


def test_a_gallery_that_never_forgets_is_found_though_it_is_right_about_training_images():
    found = failed_checks(DensityModel, Neighbours, besides={REFUSALS})
    assert found == {"second_fit_forgets_the_first", "state_does_not_grow_with_each_fit"}


def test_results_must_be_on_the_device_of_the_input():
    cpu = torch.device("cpu")
    computes_on(cpu, Growing, lambda density, embedding: {"scores": density.score(embedding).patches})
    with pytest.raises(Finding, match='Expected "scores" on cpu, found it on meta'):
        computes_on(cpu, Growing, lambda density, embedding: {"scores": torch.zeros(2, device="meta")})


def test_every_check_of_densities_is_known_to_find_something():
    names = {check.name for check in checks_of(DensityModel)} - BROAD
    assert names - {"computes_on_cuda", THREADS} == set(BROKEN.values())
