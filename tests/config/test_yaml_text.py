"""YAML from strangers: plain types alone, within bounds, with one error for each."""

import json
from itertools import pairwise

import pytest
import yaml

from padimkit.config.build import load_recipe
from padimkit.config.yaml_file import read_yaml
from padimkit.config.yaml_text import parsed_yaml
from padimkit.errors import BadConfig

REFUSED = {
    "a list that holds itself": ("a: &x [1, *x]", '"*x" in line 1 is part of itself'),
    "a mapping that holds itself": ("a: &x\n  b: {c: *x}", '"*x" in line 2 is part of itself'),
    "a merge of itself": ("a: &x\n  <<: *x", "part of itself"),
    "a date": ("a: !!timestamp 2001-12-14", '"a" is a date'),
    "a set": ("a: [!!set {b, c}]", '"a[0]" is a set'),
    "bytes": ("a:\n  b: !!binary aGk=", '"a.b" is a bytes'),
    "pairs": ("a: !!pairs [b: 1]", '"a[0]" is a tuple'),
    "an object": ("a: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
    "a number as a key": ("a: {1: 2}", 'a key of "a" is 1'),
    "a date that is none": ("a: !!timestamp 2001-99-99", "month must be in 1..12"),
    "a number of too many digits": (f"a: {'9' * 5000}", "4300"),
    "deep nesting": (f"a: {'[' * 101}{']' * 101}", "nested deeper than 100 levels"),
    "very deep nesting": ("a: " + "[" * 200_000, "nest"),
    "deep blocks": ("".join(f"{' ' * n}a:\n" for n in range(120)), "nested deeper than 100 levels"),
    "a billion values": (
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in pairwise("abcdefghi")),
        "more than 1000000 values",
    ),
    "a large text": ("a: " + "b" * 10**6, "more than 1000000 characters"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_plain_is_refused_by_one_error(tmp_path, kind):
    text, message = REFUSED[kind]
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    with pytest.raises(yaml.YAMLError) as direct:
        parsed_yaml(text)
    assert message in str(direct.value)
    with pytest.raises(BadConfig, match="cannot be read as YAML") as caught:
        read_yaml(path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text", ["a: &x [1, 2]\nb: [*x, *x]", "a: {b: [1, 0.5, yes, null, text, 1e3]}", "- a", "", "7"]
)
def test_what_is_plain_comes_out_as_it_is(text):
    assert json.loads(json.dumps(parsed_yaml(text))) == parsed_yaml(text)


@pytest.mark.parametrize(
    "path", ["''", ".Relative", "..two", "a..b", "a.b.", "a b.c", "os.path/x.y", "' '", "a.1b"]
)
@pytest.mark.parametrize(
    "place", ["{class_path: PATH}", "{class_path: scikit_learn, init_args: {estimator: {class_path: PATH}}}"]
)
def test_a_class_path_that_is_none_is_refused_before_anything_is_imported(tmp_path, monkeypatch, path, place):
    recipe = tmp_path / "recipe.yaml"
    reducer = place.replace("PATH", path)
    recipe.write_text(f"pipeline: {{backbone: pixels, density: not_there_yet.X, reducer: {reducer}}}")
    monkeypatch.setattr("importlib.import_module", lambda name: pytest.fail(f"{name} is imported"))
    with pytest.raises(BadConfig, match=r'class_path" is ".*"; expected the name of a plugin'):
        load_recipe(recipe)


@pytest.mark.parametrize("source", ["raise SystemExit(3)", "1 / 0", "def (", "import no_such_module_here"])
def test_whatever_a_module_does_when_it_is_imported_is_one_error(tmp_path, monkeypatch, source):
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"stranger_{abs(hash(source))}"
    (tmp_path / f"{name}.py").write_text(source)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(f"pipeline: {{backbone: pixels, reducer: identity, density: {name}.X}}")
    with pytest.raises(BadConfig, match=rf'"{name}.X" cannot be imported'):
        load_recipe(recipe, trust=True)
