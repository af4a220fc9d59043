import json
from dataclasses import replace

import pytest
import yaml

from padimkit.benchmark.cell import EMBEDDINGS, Limits
from padimkit.benchmark.planning.suite import Suite
from padimkit.benchmark.running.process import run_together
from padimkit.benchmark.running.runner import run_suite
from padimkit.benchmark.store import paths, read_all
from padimkit.cli.main import main
from padimkit.errors import BadConfig

GAUSSIAN = {"name": "PaDiM", "pipeline": {"reducer": "identity", "density": "gaussian"}}
SMALL = {"images": 12, "channels": 6, "positions": 4}


@pytest.fixture
def drawn_suite(tmp_path):
    """Writes a suite over drawn embeddings; values replace those of the file."""

    def drawn_suite(**changes):
        content = {
            "name": "drawn",
            "pipelines": [GAUSSIAN],
            "embeddings": SMALL,
            "vary": {"images": [4, 8, 12]},
            "measure": ["time", "memory"],
            "repeats": 2,
            "threads": 1,
        }
        path = tmp_path / "drawn.yaml"
        path.write_text(yaml.safe_dump(content | changes, sort_keys=False))
        return path

    return drawn_suite


def records(path, folder):
    suite = Suite.read(path)
    return list(run_suite(suite, suite.planned, folder))


def test_all_costs_of_learning_and_scoring_are_measured(drawn_suite, tmp_path, in_this_process):
    found = records(drawn_suite(), tmp_path / "records")
    assert [record.cell.varied for record in found] == [{"images": float(n)} for n in (4, 8, 12)]
    for record in found:
        assert record.failure is None
        assert {
            "fit",
            "reducer fit",
            "density fit",
            "prepare",
            "embedding",
            "score 1",
        } == record.seconds.keys()
        assert all(len(values) == 2 for values in record.repeats.values())
        assert all(record.seconds[name].median > 0 for name in ("fit", "density fit", "prepare", "score 1"))
        learnt = [record.repeats[name] for name in ("density fit", "prepare", "fit")]
        assert all(density + prepare <= whole for density, prepare, whole in zip(*learnt, strict=True))
        assert record.predicted.keys() == {*record.seconds, "held", "fitted"}
        assert record.predicted["held"] == pytest.approx(record.bytes["held"], rel=0.1)
        assert record.rates.keys() == {"single", "double", "memory"} and min(record.rates.values()) > 0
    assert [record.form for record in found] == ["samples, rank float32", "moments", "moments"]
    # Of any number of images beyond these moments are kept, and of any number of channels samples.
    forms = {"images": "moments", "channels": "samples, rank float64", "positions": found[0].form}
    assert found[0].far_forms == forms and found[2].far_forms["images"] == "moments"
    assert found[2].far_predicted["images"].keys() == found[2].predicted.keys()
    growth = found[2].far_predicted["images"]["density fit"] / found[2].predicted["density fit"]
    assert growth == pytest.approx(1e9 / found[2].cell.varied["images"], rel=0.3)
    # Samples while there are at most 6 images, then scatter matrices, whatever their number.
    stored = [record.bytes["fitted"] for record in found]
    assert stored[1] == stored[2] and all(record.bytes["held"] > record.bytes["fitted"] for record in found)
    assert read_all(tmp_path / "records") == sorted(found, key=lambda record: record.key)


def test_a_recipe_lends_its_reducer_and_density_and_needs_no_weights(drawn_suite, tmp_path):
    recipe = {
        "recipe": "padim-filter-bank",
        "name": "Rd",
        "set": {"reducer": "random_channels"},
        "vary": {"reducer.keep": [1, 2, 3]},
    }
    (cell, *_) = (planned.cell for planned in Suite.read(drawn_suite(pipelines=[recipe])).planned)
    assert cell.settings["pipeline"].keys() == {"reducer", "density"}
    assert cell.settings["pipeline"]["reducer"]["init_args"]["keep"] == 1
    assert cell.settings[EMBEDDINGS]["images"] == 12 and cell.varied == {"reducer.keep": 1.0}
    assert cell.title == "Rd on embeddings, seed 0, reducer.keep 1"


def test_keys_depend_on_all_that_is_drawn(drawn_suite):
    def keys(**changes):
        return {planned.key for planned in Suite.read(drawn_suite(**changes)).planned}

    own = keys(seeds=[0, 1])
    assert len(own) == 6 and keys(name="other") < own
    assert not own & keys(embeddings=SMALL | {"eps_ratio": 2.0})


def test_a_cell_that_fails_leaves_the_others_of_its_line(drawn_suite, tmp_path, in_this_process):
    spade = {"class_path": "spade", "init_args": {"image_neighbours": 8, "gallery_neighbours": 8}}
    path = drawn_suite(pipelines=[{"name": "SPADE", "pipeline": {"reducer": "identity", "density": spade}}])
    few, *others = records(path, tmp_path / "records")
    assert few.failure.cause == "error" and few.failure.stage == "density fit"
    assert '"image_neighbours" is 8, but there are only 4' in few.failure.message
    assert [record.failure for record in others] == [None, None]
    assert all(record.seconds for record in others)


def test_a_cell_that_kills_its_process_leaves_the_others(drawn_suite, tmp_path, broken):
    """The one at which it happened has failed, and the others run in another process."""
    density = broken("kills")["pipeline"]["density"]
    settings = {"reducer": "identity", "density": density}
    path = drawn_suite(pipelines=[{"name": "kills", "pipeline": settings}], vary={"images": [4, 8, 12]})
    suite = Suite.read(path)
    cells = [(planned.cell, planned.facts) for planned in suite.planned]
    well = json.loads(json.dumps(cells[1][0].settings))
    well["pipeline"]["density"]["init_args"]["how"] = "well"
    mixed = [cells[0], (replace(cells[1][0], settings=well), cells[1][1])]
    killed, fine = run_together(mixed, Limits(timeout=60, threads=1))
    assert killed.failure.cause == "killed" and killed.failure.stage == "density fit"
    assert fine.failure is None and fine.cell.varied == {"images": 8.0} and fine.seconds["fit"].count == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"measure": ["quality"]}, 'have no quality: list "time", "memory" or both'),
        ({"device": "cuda"}, 'expected cpu, got "cuda"'),
        ({"train_images": 4}, 'is their "images", not "train_images"'),
        ({"vary": {"resolution": [1, 2, 3]}}, '"vary.resolution" changes nothing over "embeddings"'),
        ({"vary": {"chanels": [1, 2, 3]}}, "Did you mean 'channels'"),
        ({"datasets": ["synthetic"]}, 'either "datasets" or "embeddings"'),
        ({"embeddings": {"image": 4}}, "Did you mean 'images'"),
        ({"embeddings": {"images": "many"}}, "images"),
        ({"embeddings": 4}, '"embeddings" is 4; expected keys and values'),
        ({"embeddings": {"channels": 0}}, '"embeddings.channels" of at least 1'),
        ({"pipelines": [{"name": "x", "pipeline": {"density": "gaussian"}}]}, 'has no "reducer"'),
    ],
)
def test_what_embeddings_do_not_have_is_refused(drawn_suite, changes, message):
    with pytest.raises(BadConfig, match=message):
        Suite.read(drawn_suite(**changes))


def test_the_command_plans_runs_and_repeats_them(drawn_suite, tmp_path, capsys, in_this_process):
    folder = tmp_path / "records"
    assert main(["benchmark", str(drawn_suite()), "--output", str(folder), "--dry-run"]) == 0
    assert "PaDiM on embeddings, seed 0, images 4: 10" in capsys.readouterr().out
    assert main(["benchmark", str(drawn_suite()), "--output", str(folder)]) == 0
    assert "[3/3] PaDiM on embeddings, seed 0, images 12: measured" in capsys.readouterr().out
    assert main(["benchmark", "--record", str(next(iter(paths(folder))))]) == 0
    assert "holds no metrics" in capsys.readouterr().out
