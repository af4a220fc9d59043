import json

import pytest

from padimkit.files.json_text import MOST_LEVELS, parsed_json, without_surrogates


@pytest.mark.parametrize("levels", [MOST_LEVELS + 1, 5000, 200_000])
@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ('{"a":', "}")])
def test_deep_nesting_is_refused(levels, begin, end):
    with pytest.raises(ValueError, match="nested deeper than 100 levels"):
        parsed_json(begin * levels + "1" + end * levels)


@pytest.mark.parametrize("text", ["", "[1", "'a'", "9" * 5000, b"\xff"])
def test_what_is_not_valid_is_a_value_error(text):
    with pytest.raises(ValueError):
        parsed_json(text)


def test_what_is_valid_is_read_as_it_is():
    value = {"a": [1, 0.5, None, True, "ä", {"b": []}], "deep": json.loads("[" * 90 + "]" * 90)}
    assert parsed_json(json.dumps(value)) == value


def test_lone_surrogates_are_escaped_wherever_they_are():
    value = {"\udc80": ["a\udcff", {"b": "\ud800"}], "ä😀": "ä😀"}
    found = without_surrogates(value)
    assert found == {r"\udc80": [r"a\udcff", {"b": r"\ud800"}], "ä😀": "ä😀"}
    json.dumps(found, ensure_ascii=False).encode("utf-8")
