"""What a check does with what its function finds."""

import inspect
import pickle
import random
from functools import partial

import numpy as np
import pytest
import torch

from padimkit import contracts
from padimkit.arguments.checked import Checked
from padimkit.backbones.pixels import Pixels
from padimkit.contracts import DensityModel, Metric
from padimkit.densities.gaussian import Gaussian
from padimkit.errors import BadArgument
from padimkit.reducers.identity import Identity
from padimkit.registry.families import FAMILIES
from padimkit.testing import (
    Check,
    ContractViolation,
    NotApplicable,
    check_backbone,
    check_density,
    check_part,
    checks_of,
    outcomes,
)
from padimkit.testing.check import CannotBeChecked, checks, require
from padimkit.testing.inputs.embeddings import training
from padimkit.testing.program import global_random_state


class Zero(Gaussian):
    """Finds nothing anomalous."""

    def score(self, embedding):
        scores = super().score(embedding)
        return type(scores)(scores.patches * 0)


class Both(Identity, Zero):
    """Reduces as it should, and then finds nothing anomalous."""

    fit, state_dict, load_state_dict = Zero.fit, Zero.state_dict, Zero.load_state_dict


def of(function):
    (check,) = checks(DensityModel, function)
    return check


def test_a_violation_names_part_and_check_and_what_was_found():
    def is_seven(make):
        """It is seven."""
        make()
        require(False, "Expected seven, found eight.")

    check = of(is_seven)
    assert (check.name, check.description, check.contract) == ("is_seven", "It is seven.", DensityModel)
    with pytest.raises(ContractViolation) as caught:
        check(Gaussian)
    violation = pickle.loads(pickle.dumps(caught.value))
    assert str(violation) == 'Gaussian fails the check "is_seven": Expected seven, found eight.'
    assert (violation.part, violation.check) == ("Gaussian", "is_seven")
    assert violation.finding == "Expected seven, found eight."


def test_an_error_of_the_part_is_a_violation_with_its_cause():
    def fails(make):
        make().merge(Gaussian())

    with pytest.raises(ContractViolation, match="Gaussian fails .* It raised NotFitted: Gaussian.merge") as e:
        of(fails)(Gaussian)
    assert "before fit" in str(e.value.__cause__)


class Breaks(Pixels):
    def extract(self, images):
        return torch.zeros(2) + torch.zeros(3)


def test_an_error_names_the_line_of_the_part_that_raised_it():
    line = inspect.getsourcelines(Breaks)[1] + 2
    with pytest.raises(
        ContractViolation, match=rf"It raised RuntimeError: .* See line {line} of test_check.py"
    ):
        checks_of(contracts.Backbone)[0](Breaks)


def test_an_error_elsewhere_names_no_line():
    def fails(make):
        make()
        raise ValueError("elsewhere")

    with pytest.raises(ContractViolation) as caught:
        of(fails)(Gaussian)
    assert caught.value.finding == "It raised ValueError: elsewhere."


def test_an_error_in_making_the_part_is_a_violation_too():
    with pytest.raises(ContractViolation, match="This DensityModel fails .* It raised TypeError: .*unknown"):
        of(lambda make: make())(lambda: Gaussian(unknown=1))


def test_a_part_that_refuses_its_arguments_cannot_be_checked_which_is_told_once():
    refusing = partial(Gaussian, eps=-1.0)
    with pytest.raises(CannotBeChecked, match='This DensityModel cannot be checked like this: .*"eps"'):
        of(lambda make: make())(refusing)
    with pytest.raises(BadArgument, match="cannot be checked like this: .* Check it with other arguments"):
        list(outcomes(DensityModel, refusing))
    with pytest.raises(BadArgument, match="cannot be checked like this"):
        check_density(refusing)


class Choosy(Gaussian):
    """Takes many images on a large grid only, and is excused from one check."""

    checked = Checked(images=40, size=(12, 16), excused={"can_be_pickled": "it holds a network"})

    def fit(self, stream):
        batches = list(stream)
        if sum(len(one.patches) for one in batches) > 39 and batches[0].patches.shape[2:] != (12, 16):
            raise BadArgument("I want 12 x 16 positions.")
        super().fit(batches)


def test_a_class_says_on_what_it_is_checked_and_what_it_is_excused_from():
    shapes, checked = [], {check.name: check for check in checks_of(DensityModel)}
    of(lambda make: shapes.append(training("first").patches.shape))(Choosy)
    assert shapes == [(40, 8, 12, 16)]
    for name in ("one_score_per_position", "changes_lie_where_the_defect_is", "outliers_score_higher"):
        checked[name](Choosy)
    with pytest.raises(NotApplicable, match="Choosy is excused: it holds a network"):
        checked["can_be_pickled"](Choosy)


def test_what_is_said_of_checks_must_be_of_its_type():
    class Odd(Gaussian):
        checked = 3

    with pytest.raises(ContractViolation, match='class attribute "checked" to be padimkit.Checked, found'):
        of(lambda make: make())(Odd)


def test_another_kind_of_part_is_refused():
    with pytest.raises(ContractViolation, match='Expected "make" to return a fresh DensityModel .*Identity'):
        of(lambda make: make())(Identity)


def test_one_instance_for_all_calls_is_refused():
    gaussian = Gaussian()
    with pytest.raises(ContractViolation, match="found the same one twice"):
        of(lambda make: [make(), make()])(lambda: gaussian)


def test_what_a_check_draws_at_random_is_the_same_in_each_run_and_leaves_no_trace():
    drawn = []

    def draws(make):
        drawn.append((torch.rand(3).tolist(), np.random.rand(), random.random()))

    before = global_random_state(), random.getstate()
    of(draws)(Gaussian)
    torch.rand(1)
    of(draws)(Gaussian)
    assert drawn[0] == drawn[1]
    torch.set_rng_state(torch.frombuffer(bytearray(before[0]["torch"]), dtype=torch.uint8))
    assert global_random_state() == before[0]


def test_threads_are_as_many_as_before():
    before = torch.get_num_threads()
    threads = []
    of(lambda make: threads.append(torch.get_num_threads()))(Gaussian)
    assert (threads, torch.get_num_threads()) == ([1], before)


def test_outcomes_tell_of_all_checks():
    found = {outcome.check.name: outcome for outcome in outcomes(DensityModel, Zero)}
    assert set(found) == {check.name for check in checks_of(DensityModel)}
    verdicts = {outcome.verdict for outcome in found.values()}
    assert verdicts == {"passed", "failed", "skipped"}
    failed = {name for name, outcome in found.items() if outcome.verdict == "failed"}
    assert failed == {
        *("outliers_score_higher", "training_data_matter", "all_channels_are_scored"),
        *(
            "worse_defects_score_higher",
            "anomalies_stand_out_beside_constant_channels",
            "large_means_do_not_matter",
            "changes_lie_where_the_defect_is",
            "left_out_scores_come_close_to_refits",
            "traced_scores_equal_scores",
        ),
    }
    assert "found 0, 0, 0 on average there, and 0, 0, 0" in found["outliers_score_higher"].reason
    assert found["another_seed_gives_another_result"].reason == 'It has no argument "seed".'
    assert found["can_be_pickled"].reason == ""


def test_all_checks_at_once_stop_at_the_first_that_fails():
    check_backbone(Pixels)
    with pytest.raises(ContractViolation, match='Zero fails the check "outliers_score_higher"'):
        check_density(Zero)


def test_the_checks_of_a_part_are_those_of_its_contract():
    check_part(Pixels)
    with pytest.raises(ContractViolation, match='Zero fails the check "outliers_score_higher"'):
        check_part(Zero)


def test_a_part_of_two_families_is_checked_as_both():
    with pytest.raises(ContractViolation, match='Both fails the check "stated_bytes_are_there"'):
        check_part(Both)  # the costs that it states as a reducer are not those of a density


def test_a_part_of_no_family_is_refused():
    with pytest.raises(BadArgument, match='"make" to return one of Backbone, .*, got 7'):
        check_part(lambda: 7)


def test_every_family_has_checks():
    for family in FAMILIES:
        checked = checks_of(family.load_contract())
        assert checked and {check.contract for check in checked} == {family.load_contract()}


def test_what_does_not_apply_says_why():
    seeds = next(check for check in checks_of(Metric) if check.name.startswith("another_seed"))
    with pytest.raises(NotApplicable, match='no argument "seed"'):
        Check(DensityModel, seeds.name, seeds.description, seeds.function)(Gaussian)


@pytest.mark.parametrize("contract", [Gaussian, int])
def test_what_is_no_contract_is_refused(contract):
    with pytest.raises(BadArgument, match="has no contract checks. Expected one of Backbone, Reducer"):
        checks_of(contract)


def test_every_check_is_described_in_a_line():
    for family in FAMILIES:
        for check in checks_of(family.load_contract()):
            assert check.description.endswith("."), check.name


def test_every_optional_contract_has_a_check():
    families = {family.load_contract() for family in FAMILIES}
    defined = [value for value in vars(contracts).values() if inspect.isclass(value)]
    optional = {
        value.__name__
        for value in defined
        if value.__module__ == contracts.__name__ and value not in families
    }
    described = {check.description.partition(":")[0] for family in families for check in checks_of(family)}
    returned = {"Influence"}  # by HasInfluence, whose check asks what it computes
    assert optional - returned <= described and returned <= optional


def test_the_other_process_asks_no_third(monkeypatch):
    (check,) = [one for one in checks_of(DensityModel) if one.name == "other_processes_give_the_same"]
    monkeypatch.setenv("PADIMKIT_ANSWERS_CHECKS", "1")
    with pytest.raises(NotApplicable, match="This is the other process"):
        check(Gaussian)
