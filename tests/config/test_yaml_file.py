import re

import pytest

from padimkit.config.yaml_file import read_yaml
from padimkit.errors import BadConfig


@pytest.fixture
def written(tmp_path):
    def written(text):
        path = tmp_path / "settings.yaml"
        path.write_text(text)
        return path

    return written


def test_anchors_merges_and_the_same_key_elsewhere_are_no_repetition(written):
    path = written("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: [*a, *a, {x: 4}]\n")
    assert read_yaml(path) == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 3},
        "c": [{"x": 1, "y": 2}, {"x": 1, "y": 2}, {"x": 4}],
    }


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", "a", 3),
        ("a:\n  b: {c: 1, d: 2, c: 1}\n", "c", 2),
        ("a:\n- b: 1\n  c: 2\n  b: 3\n", "b", 4),
        ("a: {<<: {b: 1}, c: 2, c: 3}\n", "c", 1),
    ],
)
def test_a_key_that_is_given_twice_is_refused(written, text, key, line):
    path = written(text)
    with pytest.raises(BadConfig, match=re.escape(f'"{path}" gives "{key}" twice, again in line {line}.')):
        read_yaml(path)


@pytest.mark.parametrize("text", ["", "- a\n", "text\n"])
def test_what_is_no_mapping_is_refused(written, text):
    with pytest.raises(BadConfig, match="does not hold keys and values"):
        read_yaml(written(text))


def test_what_is_no_yaml_is_refused(written):
    with pytest.raises(BadConfig, match="cannot be read as YAML"):
        read_yaml(written("a: [1\n"))


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadConfig, match='none.yaml" cannot be read: No such file or directory'):
        read_yaml(tmp_path / "none.yaml")
