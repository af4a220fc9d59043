import pytest
import torch

from padimkit.testing.answers import copied, difference, left_alone, require_finite
from padimkit.testing.check import Finding

NAN, INFINITY = float("nan"), float("inf")


def result(*values, dtype=torch.float32):
    return {"a": torch.tensor(values, dtype=dtype)}


@pytest.mark.parametrize("values", [(1.0, 2.0), (NAN, 1.0), (INFINITY, -INFINITY), ()])
def test_a_result_does_not_differ_from_its_copy(values):
    assert difference(result(*values), copied(result(*values))) == ""
    assert difference(result(*values), copied(result(*values)), relative=0.1) == ""


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"b": torch.zeros(2)}, "[b] instead of [a]"),
        (result(1.0), '"a" of shape (1,) instead of (2,)'),
        (result(1, 2, dtype=torch.int64), '"a" of torch.int64 instead of torch.float32'),
        (result(1.0, NAN), 'NaN or infinity in other places of "a"'),
        (result(1.0, INFINITY), 'NaN or infinity in other places of "a"'),
        (result(1.0, 2.5), '"a" to be off by up to 0.5 where values reach 2'),
    ],
)
def test_a_difference_is_told_in_words(found, words):
    assert difference(found, result(1.0, 2.0), relative=0.1) == words


@pytest.mark.parametrize(("infinite", "other"), [(NAN, INFINITY), (INFINITY, -INFINITY), (NAN, 7.0)])
def test_no_tolerance_makes_infinity_equal_to_anything_else(infinite, other):
    assert difference(result(infinite, 1.0), result(other, 1.0), relative=0.5)
    assert difference(result(other, 1.0), result(infinite, 1.0), relative=0.5)


def test_the_tolerance_is_relative_and_lenient_where_values_are_small():
    assert difference(result(100.0, 0.0), result(100.0, 0.001), relative=1e-3) == ""
    assert difference(result(100.0, 0.0), result(100.0, 0.1), relative=1e-3)
    assert difference(result(100.05, 0.0), result(100.0, 0.0), relative=1e-3) == ""
    assert difference(result(100.05, 0.0), result(100.0, 0.0))


def test_what_is_changed_in_a_block_is_found():
    tensors = result(1.0, 2.0)
    with left_alone(tensors, "the input"):
        pass
    with pytest.raises(Finding, match='Expected the input to be left unchanged, found "a" to be off'):
        with left_alone(tensors, "the input"):
            tensors["a"].add_(1)


def test_values_that_are_not_finite_are_counted():
    require_finite(result(1.0), "scores")
    with pytest.raises(Finding, match='Expected finite scores, found 2 of 3 in "a" that are not.'):
        require_finite(result(1.0, NAN, INFINITY), "scores")
