import pytest
import torch

from padimkit.arguments.stored_state import require_state
from padimkit.errors import BadModel
from padimkit.reducers.identity import Identity

SOUND = {"mean": torch.zeros(4, 3), "count": torch.tensor(2), "found": torch.tensor([True, False])}
FORMS = {"mean": "float p d", "count": "int", "found": "bool 2", "extra": "float d?"}
WRONG = {
    "has .b., which is unknown": {"b": torch.zeros(1)},
    "as float of shape .4, 3, 1.; expected float of p x d": {"mean": torch.zeros(4, 3, 1)},
    "as int of shape .4, 3.; expected float": {"mean": torch.zeros(4, 3).long()},
    "as complex of shape": {"mean": torch.zeros(4, 3, dtype=torch.complex64)},
    "with NaN or infinity": {"mean": torch.full((4, 3), float("inf"))},
    "as int of shape .1,.; expected int of one number": {"count": torch.tensor([2])},
    "as bool of shape .3,.; expected bool of 2": {"found": torch.ones(3) > 0},
    "as float of shape .0, 3.; expected float": {"mean": torch.zeros(0, 3)},
    "as float of shape .4,.; expected float of d .3.": {"extra": torch.zeros(4)},
}


def test_sizes_of_sound_states_are_returned():
    assert require_state(Identity(), SOUND, **FORMS) == {"p": 4, "d": 3}
    assert require_state(Identity(), SOUND | {"extra": torch.zeros(3)}, **FORMS) == {"p": 4, "d": 3}


@pytest.mark.parametrize("message", WRONG)
def test_other_states_are_refused(message):
    with pytest.raises(BadModel, match=f"The state of Identity .*{message}"):
        require_state(Identity(), SOUND | WRONG[message], **FORMS)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_one_value_that_is_not_finite_is_found(value, dtype):
    tensor = torch.zeros(4, 3, dtype=dtype)
    assert require_state(Identity(), {"a": tensor}, a="float n d") == {"n": 4, "d": 3}
    tensor[2, 1] = value
    with pytest.raises(BadModel, match='"a" with NaN or infinity'):
        require_state(Identity(), {"a": tensor}, a="float n d")


def test_an_axis_may_be_empty_where_it_says_so():
    assert require_state(Identity(), {"a": torch.zeros(0, 3)}, a="float n* d") == {"n": 0, "d": 3}


@pytest.mark.parametrize("name", SOUND)
def test_a_missing_tensor_is_refused(name):
    with pytest.raises(BadModel, match=f'lacks "{name}"'):
        require_state(Identity(), {key: value for key, value in SOUND.items() if key != name}, **FORMS)
