"""The names of models, and the limits of requests."""

from pathlib import Path

import pytest

from padimkit import BadArgument, BadConfig
from padimkit.service.serving.limits import Limits
from padimkit.service.serving.models import named_models


def test_a_model_is_called_like_its_folder_or_as_it_is_said():
    assert named_models(["lines/bolts/", "nuts=lines/bolts"]) == {
        "bolts": Path("lines/bolts"),
        "nuts": Path("lines/bolts"),
    }


def test_a_folder_may_have_an_equals_sign_in_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rate=1").mkdir()
    assert list(named_models(["rate=1", "rate=2"])) == ["rate=1", "rate"]
    assert list(named_models(["."])) == [tmp_path.name]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a/bolts", "b/bolts"], 'Two models are called "bolts": "a/bolts" and "b/bolts". Pass NAME=PATH'),
        (["=a"], '"=a" gives no name for the model. Pass NAME=PATH.'),
        (["a="], '"a=" names no model. Pass NAME=PATH.'),
        (["/"], '"/" gives no name'),
        (["\x1b[31m=a"], "gives no name"),
    ],
)
def test_names_that_clash_or_lack_are_refused(words, message):
    with pytest.raises(BadConfig) as caught:
        named_models(words)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["megabytes", "megapixels", "seconds", "waiting"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_limits_are_above_zero(name, value):
    with pytest.raises(BadArgument, match=f'Expected "{name}" above 0, got {value}'):
        Limits(**{name: value})


@pytest.mark.parametrize("name", ["megabytes", "megapixels", "seconds", "waiting"])
@pytest.mark.parametrize("value", [1e30, float("inf")])
def test_limits_that_are_none_are_refused(name, value):
    with pytest.raises(BadArgument, match=f'Expected "{name}" of at most'):
        Limits(**{name: value})


def test_requests_are_counted_in_whole_numbers():
    with pytest.raises(BadArgument, match='Expected "waiting" to be a whole number, got 1.5'):
        Limits(waiting=1.5)
