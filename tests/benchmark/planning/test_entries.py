"""Names, groups, seeds and drawn images of a suite's entries."""

from dataclasses import replace
from pathlib import Path

import pytest

from padimkit.benchmark.planning.suite import Suite
from padimkit.benchmark.running.execution import limited
from padimkit.benchmark.running.runner import adopt_names, run_suite
from padimkit.benchmark.store import read_all
from padimkit.errors import BadConfig
from padimkit.images.sample import Sample

RANDOM = {"backbone": "pixels", "reducer": {"class_path": "random_channels", "init_args": {"keep": 2}}}
RANDOM |= {"density": "gaussian", "preprocessing": {"resize": 16, "crop": None}}
FIXED = RANDOM | {"reducer": "identity"}


def cells(path):
    return [planned.cell for planned in Suite.read(path).planned]


def data(root, **keys):
    return {"class_path": "mvtec", "init_args": {"root": str(root)}, "categories": ["stripes"]} | keys


def test_a_name_and_groups_are_for_reports_alone(suite, stripes, tmp_path, in_this_process):
    plain = Suite.read(suite(pipelines=[{"name": "a", "pipeline": FIXED}]))
    list(run_suite(plain, plain.planned, tmp_path / "records"))
    named = suite(
        pipelines=[{"name": "a", "pipeline": FIXED}],
        datasets=[data(stripes, name="Parts", categories={"textures": ["stripes"]})],
    )
    found = Suite.read(named)
    assert [one.key for one in found.planned] == [one.key for one in plain.planned]
    assert [one.cell.title for one in found.planned] == ["a on Parts/stripes, seed 0"]
    adopt_names(found, tmp_path / "records")
    (record,) = read_all(tmp_path / "records")
    assert (record.cell.dataset, record.cell.group) == ("Parts", "textures")


@pytest.mark.parametrize(
    ("categories", "message"),
    [
        ({"a": ["stripes"], "b": []}, "A group of"),
        ({"a": ["stripes"], "b": ["stripes"]}, "is in two groups"),
        ({"a": "stripes"}, "categories"),
        ({"mean": ["stripes"]}, 'is called "mean", which is of all'),
    ],
)
def test_groups_that_are_none_are_refused(suite, stripes, categories, message):
    with pytest.raises(BadConfig, match=message):
        Suite.read(suite(datasets=[data(stripes, categories=categories)]))


def test_a_category_of_a_grid_that_is_no_name_is_refused_by_the_data_set(suite, stripes):
    with pytest.raises(BadConfig, match="category"):
        Suite.read(suite(datasets=[data(stripes, categories=[], grid={"category": [["stripes"]]})]))


def test_a_pipeline_may_have_seeds_of_its_own(suite):
    path = suite(
        pipelines=[
            {"name": "many", "pipeline": RANDOM, "seeds": [3, 5, 7]},
            {"name": "usual", "pipeline": RANDOM | {"map": {"sigma": 2.0}}},
        ]
    )
    assert [(cell.method, cell.seed) for cell in cells(path)] == [
        *(("many", seed) for seed in (3, 5, 7)),
        *(("usual", seed) for seed in (0, 1)),
    ]


@pytest.mark.parametrize("seeds", [[], [1, 1], [-1], [2**32]])
def test_seeds_of_a_pipeline_are_checked_as_those_of_a_suite(suite, seeds):
    with pytest.raises(BadConfig, match='"seeds"'):
        Suite.read(suite(pipelines=[{"name": "a", "pipeline": RANDOM, "seeds": seeds}]))


def test_drawn_images_depend_on_the_seed_and_fewer_are_among_more(suite):
    path = suite(pipelines=[{"name": "a", "pipeline": FIXED}], train_images=5, draw_train_images=True)
    zero, one = cells(path)  # nothing else of it has a seed
    samples = [Sample(Path(f"{number}.png")) for number in range(12)]
    drawn = limited(samples, zero)
    assert len(set(drawn)) == 5 and drawn == limited(samples, zero) != limited(samples, one)
    assert limited(samples, replace(zero, train_images=9))[:5] == drawn
    assert sorted(map(str, limited(samples, replace(zero, train_images=12)))) == sorted(map(str, samples))
    assert limited(samples, replace(zero, drawn=False)) == tuple(samples[:5])
    facts = Suite.read(path).planned[0].facts
    assert zero.key(facts) != replace(zero, drawn=False).key(facts)


def test_all_images_cannot_be_drawn(suite):
    with pytest.raises(BadConfig, match='give their number, "train_images"'):
        Suite.read(suite(draw_train_images=True))
    assert cells(suite(draw_train_images=True, vary={"train_images": [2, 3, 4]}))[0].drawn


def test_drawn_images_are_not_those_that_another_seed_shares(suite, tmp_path, in_this_process):
    drawn = {"train_images": 5, "draw_train_images": True, "seeds": [0, 1]}
    pipelines = [{"name": "a", "pipeline": FIXED}]
    found = []
    for most_gb in (1.0, 0.0):
        planned = Suite.read(suite(pipelines=pipelines, features={"most_gb": most_gb}, **drawn))
        records = run_suite(planned, planned.planned, tmp_path / str(most_gb))
        found.append({record.key: record.images.scores for record in records})
    assert found[0] == found[1] and len(set(found[0].values())) == 2
