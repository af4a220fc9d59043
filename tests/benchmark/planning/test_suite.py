from importlib.metadata import version

import pytest
import timm
import torch
from safetensors.torch import save_file

from padimkit.benchmark.cell import Cell, Facts
from padimkit.benchmark.planning.promise import promised_rate
from padimkit.benchmark.planning.suite import Suite
from padimkit.benchmark.planning.suite_file import Engine
from padimkit.benchmark.seeds import with_seed
from padimkit.errors import BadConfig

RECIPE = "padim-filter-bank"
SMALL = {"preprocessing.resize": 32, "preprocessing.crop": 28}


def titles(path):
    return [planned.cell.title for planned in Suite.read(path).planned]


def test_each_pipeline_runs_on_each_category_with_each_seed(suite, stripes):
    drawn = {"root": str(stripes / "drawn"), "size": 64, "train_images": 2, "test_images": 1}
    other = {"class_path": "synthetic", "init_args": drawn}
    path = suite(
        pipelines=[{"recipe": RECIPE, "set": SMALL}, *_random_channels()],
        datasets=[
            {"class_path": "mvtec", "init_args": {"root": str(stripes)}, "categories": ["stripes"]},
            other | {"categories": ["texture", "object"]},
        ],
    )
    places = ["mvtec/stripes", "synthetic/texture", "synthetic/object"]
    expected = [
        title
        for place in places
        for title in (
            f"{RECIPE} on {place}, seed 0",  # has no seed: one run says all
            f"Rd4 on {place}, seed 0",
            f"Rd4 on {place}, seed 1",
            f"Rd8 on {place}, seed 0",
            f"Rd8 on {place}, seed 1",
        )
    ]
    assert titles(path) == expected


def _random_channels():
    channels = {"reducer": "random_channels"}
    return [
        {
            "recipe": RECIPE,
            "name": "Rd{reducer.keep}",
            "set": SMALL | channels,
            "grid": {"reducer.keep": [4, 8]},
        }
    ]


def test_cells_hold_resolved_settings_with_their_seed(suite):
    cells = [planned.cell for planned in Suite.read(suite(pipelines=_random_channels(), seeds=[7])).planned]
    assert [cell.settings["pipeline"]["reducer"] for cell in cells] == [
        {"class_path": "random_channels", "init_args": {"keep": keep, "seed": 7}} for keep in (4, 8)
    ]
    sides = {"resize": 32, "crop": 28}
    assert all(cell.settings["pipeline"]["preprocessing"].items() >= sides.items() for cell in cells)
    assert [metric["class_path"] for metric in cells[0].settings["metrics"]] == [
        "image_auroc",
        "pixel_auroc",
        "pro",
    ]


def test_the_seed_is_the_datas_where_it_is_said(suite, stripes):
    moved = {"class_path": "rd_mvtec", "init_args": {"root": str(stripes)}, "categories": ["stripes"]}
    path = suite(datasets=[moved | {"seeded": True}])
    assert [p.cell.settings["data"]["init_args"]["seed"] for p in Suite.read(path).planned] == [0, 1]
    assert len({planned.key for planned in Suite.read(path).planned}) == 2


@pytest.mark.parametrize(
    ("pipelines", "data", "drawn", "seeded"),
    [
        ("random", False, False, True),
        ("identity", False, False, False),  # though the data have a seed, it is the same in all cells
        ("identity", True, False, True),
        ("identity", False, True, True),
    ],
)
@pytest.mark.parametrize("seeds", [[5], [0, 1]])
def test_a_cell_says_whether_anything_depends_on_its_seed(
    suite, stripes, pipelines, data, drawn, seeded, seeds
):
    moved = {"class_path": "rd_mvtec", "init_args": {"root": str(stripes)}, "categories": ["stripes"]}
    methods = {"random": _random_channels(), "identity": [{"recipe": "padim-filter-bank"}]}
    subset = {"draw_train_images": True, "train_images": 5} if drawn else {}
    path = suite(datasets=[moved | {"seeded": data}], pipelines=methods[pipelines], seeds=seeds, **subset)
    cells = [planned.cell for planned in Suite.read(path).planned]
    assert cells and all(cell.seeded == seeded for cell in cells)
    if not seeded:
        assert [cell.seed for cell in cells] == seeds[:1]


def test_parts_within_parts_get_the_seed_and_nothing_else_does():
    settings = {
        "pipeline": {"reducer": {"init_args": {"seed": 0, "inner": {"init_args": {"seed": 1, "size": 2}}}}},
        "data": {"init_args": {"seed": 3}},
    }
    assert with_seed(settings, 9, data=False) == {
        "pipeline": {"reducer": {"init_args": {"seed": 9, "inner": {"init_args": {"seed": 9, "size": 2}}}}},
        "data": {"init_args": {"seed": 3}},
        "seed": 9,
    }


def test_keys_depend_on_settings_and_data_and_not_on_names(suite, stripes):
    keys = [planned.key for planned in Suite.read(suite()).planned]
    assert keys == [planned.key for planned in Suite.read(suite(name="other", timeout=9.0)).planned]
    others = [planned.key for planned in Suite.read(suite(repeats=5)).planned]
    (stripes / "stripes" / "train" / "good" / "000.png").unlink()
    fewer = [planned.key for planned in Suite.read(suite()).planned]
    assert len({*keys, *others, *fewer}) == 6


def test_one_thing_is_varied_at_a_time(suite):
    vary = {"train_images": [4, 8, 30], "resolution": [16, 24, 32], "reducer.keep": [1, 2, 3]}
    cells = [planned.cell for planned in Suite.read(suite(vary=vary, seeds=[0])).planned]
    assert [cell.varied for cell in cells] == [
        {name: value} for name, values in vary.items() for value in values
    ]
    assert [cell.train_images for cell in cells] == [4, 8, 30, *[None] * 6]
    sizes = [cell.settings["pipeline"]["preprocessing"] for cell in cells[3:6]]
    assert [(size["resize"], size["crop"]) for size in sizes] == [(side, side) for side in (16, 24, 32)]
    assert [c.settings["pipeline"]["reducer"]["init_args"]["keep"] for c in cells[6:]] == [1, 2, 3]


@pytest.mark.parametrize("key", ["engine", "vary", "repeats", "device", "seeds", "threads"])
def test_a_key_without_a_value_is_refused_unless_none_is_one(suite, key):
    path = suite()
    path.write_text(
        f"{path.read_text()}\n{key}:\n".replace("threads: 1\n", "").replace("seeds:\n- 0\n- 1\n", "")
    )
    if key == "threads":
        assert Suite.read(path).limits.threads is None
        return
    with pytest.raises(BadConfig, match=f'"{key}" has no value. Give it one, or leave it out.'):
        Suite.read(path)


def test_the_same_work_under_two_names_is_refused(suite):
    mine = {"recipe": RECIPE, "set": SMALL}
    path = suite(pipelines=[mine | {"name": "one"}, mine | {"name": "two"}], seeds=[0])
    with pytest.raises(BadConfig, match='"two on .*" is "one on .*" under another name. Leave one out.'):
        Suite.read(path)


def test_cells_of_a_study_that_do_the_same_have_keys_of_their_own(suite):
    vary = {"train_images": [4, 8, 12], "resolution": [16, 24, 32]}
    mine = {"recipe": RECIPE, "set": {"preprocessing.resize": 32, "preprocessing.crop": 32}}
    planned = Suite.read(suite(pipelines=[mine], vary=vary, train_images=12, seeds=[0])).planned
    same = [one for one in planned if one.cell.varied in ({"train_images": 12}, {"resolution": 32})]
    assert same[0].cell.settings == same[1].cell.settings
    assert len({one.key for one in planned}) == 6


def test_a_method_can_vary_what_others_do_not(suite):
    mine = {"recipe": RECIPE, "set": SMALL}
    other = mine | {"name": "other", "vary": {"resolution": [16, 20, 24]}, "train_images": 9}
    path = suite(pipelines=[mine, other], vary={"train_images": [4, 5, 6]}, train_images=7, seeds=[0])
    found = [(p.cell.method, p.cell.varied, p.cell.train_images) for p in Suite.read(path).planned]
    assert found == [
        *((RECIPE, {"train_images": count}, count) for count in (4, 5, 6)),
        *(("other", {"resolution": side}, 9) for side in (16, 20, 24)),
    ]


def test_weights_without_what_a_pipeline_needs_are_told_before_anything_runs(suite, tmp_path):
    weights = tmp_path / "weights.safetensors"
    tensors = timm.create_model("resnet18").state_dict()
    save_file({name: tensor for name, tensor in tensors.items() if "layer4" not in name}, weights)
    spade = {"recipe": "spade-r18", "set": SMALL | {"backbone.weights": str(weights)}}
    with pytest.raises(
        BadConfig, match=r'"spade-r18": "[^"]*weights.safetensors" lacks 25 of the 100 tensors'
    ):
        Suite.read(suite(pipelines=[spade]))
    described = spade | {"set": spade["set"] | {"backbone.descriptor": "layer3"}}
    assert Suite.read(suite(pipelines=[described])).planned


def test_other_weights_under_the_same_name_are_other_work(suite, tmp_path):
    weights = tmp_path / "weights.safetensors"
    network = timm.create_model("resnet18")
    mine = {"recipe": "padim-r18-rd100", "set": SMALL | {"backbone.weights": str(weights), "reducer.keep": 9}}
    save_file(network.state_dict(), weights)
    (one,) = Suite.read(suite(pipelines=[mine], seeds=[0])).planned
    (same,) = Suite.read(suite(pipelines=[mine], seeds=[0])).planned
    with torch.no_grad():
        network.conv1.weight[0] += 1
    save_file(network.state_dict(), weights)
    (other,) = Suite.read(suite(pipelines=[mine], seeds=[0])).planned
    assert one.key == same.key != other.key


def test_the_training_images_of_a_suite_hold_where_they_are_not_varied(suite):
    def counts(**changes):
        return [planned.cell.train_images for planned in Suite.read(suite(seeds=[0], **changes)).planned]

    assert set(counts(train_images=7)) == {7}
    vary = {"train_images": [4, 8, 30], "resolution": [16, 24, 32]}
    assert counts(train_images=7, vary=vary) == [4, 8, 30, 7, 7, 7]


def test_what_is_missing_is_left_out_with_the_reason_where_the_file_says_so(suite, tmp_path):
    gone = str(tmp_path / "gone")
    mine = {"recipe": RECIPE, "set": SMALL}
    path = suite(pipelines=[mine, mine | {"name": "heavy", "if_present": [gone]}], seeds=[0])
    found = Suite.read(path)
    assert [planned.cell.method for planned in found.planned] == [RECIPE]
    assert [(one.name, one.reason) for one in found.left_out] == [("heavy", f'"{gone}" is missing')]


def test_what_has_a_better_is_left_out_with_the_reason_where_the_file_says_so(suite, tmp_path, stripes):
    real = {"class_path": "mvtec", "init_args": {"root": str(stripes)}, "categories": ["stripes"]}
    here, gone = str(stripes / "stripes"), str(tmp_path / "gone")
    twice = Suite.read(suite(datasets=[real, real | {"unless_present": [gone, here]}], seeds=[0]))
    assert len(twice.planned) == 1
    assert [(one.name, one.reason) for one in twice.left_out] == [("mvtec", f'"{here}" is there')]
    with pytest.raises(BadConfig, match="is listed twice"):
        Suite.read(suite(datasets=[real, real | {"unless_present": [gone]}], seeds=[0]))


def test_others_take_the_place_of_what_is_missing_only(suite, tmp_path, stripes):
    real = {"class_path": "mvtec", "init_args": {"root": str(stripes)}, "categories": ["stripes"]}
    few = {"root": str(tmp_path / "drawn"), "size": 64, "train_images": 2, "test_images": 1}
    drawn = {"class_path": "synthetic", "init_args": few, "otherwise": True}
    here = Suite.read(suite(datasets=[real, drawn], seeds=[0]))
    assert [planned.cell.dataset for planned in here.planned] == ["mvtec"]
    assert [one.name for one in here.left_out] == ["synthetic"]
    away = Suite.read(suite(datasets=[real | {"if_present": [str(tmp_path / "gone")]}, drawn], seeds=[0]))
    assert [planned.cell.dataset for planned in away.planned] == ["synthetic"]


def test_limits_and_engine_are_read(suite):
    found = Suite.read(
        suite(timeout=5, memory_limit=2.5, engine={"backend": "dask", "jobs": 2, "address": "tcp://a:1"})
    )
    assert (found.limits.timeout, found.limits.memory, found.limits.threads) == (5, 2.5e9, 1)
    assert found.engine == Engine("dask", 2, "tcp://a:1")


def test_verdicts_are_other_work_and_a_suite_without_them_keeps_its_keys(suite):
    def keys(**changes):
        return {planned.key for planned in Suite.read(suite(seeds=[0], **changes)).planned}

    asked = [{}, {"false_alarms": 0.1}, {"false_alarms": 0.1, "folds": 3}]
    found = [keys(), *(keys(calibration=arguments) for arguments in asked)]
    assert len(set.union(*found)) == 4 and keys(calibration=None) == found[0]


def test_keys_are_those_of_records_made_before_there_were_verdicts():
    settings = {"pipeline": {"backbone": "pixels"}, "seed": 3}
    measure = ("quality", "time")
    cell = Cell("s", "m", "d", "c", 3, settings, measure, 3, None, {"resolution": 32.0})
    assert cell.key(Facts("print", 10, 4, 2, "files")) == "d3ddb39fe12925eba7369359"


@pytest.fixture
def renamed(install, tmp_path):
    """A density of a stranger, whose version the function sets."""
    module = "from padimkit.densities.gaussian import Gaussian\nclass Other(Gaussian): pass"
    install("other-gaussian", {"other": "other_one:Other"}, {"other_one": module}, "padimkit.densities")

    def in_version(number):
        (metadata,) = tmp_path.glob("other_gaussian*.dist-info/METADATA")
        metadata.write_text(f"Metadata-Version: 2.1\nName: other-gaussian\nVersion: {number}\n")
        (metadata.parent / "touched").unlink(missing_ok=True)  # as an installation does
        (metadata.parent / "touched").touch()

    return in_version


def test_another_version_of_a_plugin_is_other_work(suite, renamed):
    def planned(number):
        renamed(number)
        parts = {"backbone": "pixels", "reducer": "identity", "density": "other"}
        other = {"name": "other", "pipeline": parts | {"preprocessing": {"resize": 32, "crop": 28}}}
        (found,) = Suite.read(suite(pipelines=[other], seeds=[0])).planned
        return found

    first, second = planned("1.5"), planned("1.6")
    assert first.cell.versions == {"other-gaussian": "1.5", "padimkit": version("padimkit")}
    assert first.key != second.key and planned("1.5").key == first.key


def test_each_cell_promises_what_its_training_images_allow(suite):
    vary = {"train_images": [6, 9, 12]}
    planned = Suite.read(suite(calibration={}, vary=vary, seeds=[0])).planned
    assert [promised_rate(one.cell, one.facts) for one in planned] == [1 / 7, 1 / 10, 1 / 13]
    (without,) = Suite.read(suite(seeds=[0])).planned
    assert promised_rate(without.cell, without.facts) is None


def test_a_metric_with_the_name_of_a_rate_of_verdicts_is_refused(suite, install):
    source = """
    from padimkit.contracts import Metric

    class Misses(Metric):
        higher_is_better = True
        def update(self, prediction, truth):
            pass
        def compute(self):
            return 1.0
        def reset(self):
            pass
    """
    install("foreign", {"misses": "foreign_misses:Misses"}, {"foreign_misses": source}, "padimkit.metrics")
    assert len(Suite.read(suite(metrics=["misses"], seeds=[0])).planned) == 1
    with pytest.raises(BadConfig, match='"metrics" has misses, and so has "calibration". Leave one'):
        Suite.read(suite(metrics=["misses"], seeds=[0], calibration={}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pipelnies": []}, "Unknown key \"pipelnies\". Did you mean 'pipelines'"),
        ({"pipelines": []}, '"pipelines" must be a list with at least one entry'),
        (
            {"pipelines": ["padim-r19"]},
            "\"padim-r19\" is neither a recipe nor a file. Did you mean 'padim-r18'",
        ),
        (
            {"pipelines": [{"recipe": RECIPE, "gird": {}}]},
            "Unknown key \"pipelines\\[0\\].gird\". Did you mean 'grid'",
        ),
        ({"pipelines": [{"name": "a"}]}, '"a" needs either "recipe" or "pipeline"'),
        ({"pipelines": [3]}, r'"pipelines\[0\]" is 3; expected a name'),
        ({"pipelines": [{"recipe": RECIPE, "set": {"density.epsilon": 1}}]}, "epsilon"),
        ({"pipelines": [{"recipe": RECIPE, "set": {"density": "gausian"}}]}, "gaussian"),
        ({"pipelines": [{"recipe": RECIPE, "set": {"density.eps": -1}}]}, '"eps" of at least 0, got -1'),
        ({"pipelines": [{"recipe": RECIPE, "set": [1]}]}, r'"pipelines\[0\].set" is \[1\]; expected keys'),
        ({"pipelines": [{"recipe": RECIPE, "grid": {"density.eps": 1}}]}, "expected a list of values"),
        (
            {"pipelines": [{"recipe": RECIPE, "name": "R{x}", "grid": {"density.eps": [1]}}]},
            'holds "x", which is not a key of its grid',
        ),
        ({"pipelines": [RECIPE, RECIPE]}, "is listed twice"),
        (
            {"pipelines": [{"recipe": "padim-r18", "set": {"backbone.weights": "none.safetensors"}}]},
            '"padim-r18": The weights "none.safetensors" of "resnet18.tv_in1k" do not exist.* "if_present"',
        ),
        ({"datasets": ["mvtek"]}, "Did you mean 'mvtec'"),
        (
            {"datasets": [{"class_path": "mvtec", "init_args": {"root": "nowhere"}, "categories": ["a"]}]},
            '"nowhere" is not',
        ),
        (
            {"datasets": [{"class_path": "synthetic", "if_present": ["gone"]}]},
            'Nothing is left to run. synthetic: "gone" is',
        ),
        ({"seeds": [1, 1]}, '"seeds" must be a list of different values'),
        ({"seeds": "a"}, "\"seeds\" is 'a'; expected a list of whole numbers"),
        ({"measure": ["tim"]}, r"\"measure\" is \['tim'\]; expected a list of any of quality, time, memory"),
        ({"datasets": "mvtec"}, "\"datasets\" must be a list with at least one entry, found 'mvtec'"),
        (
            {"datasets": [{"class_path": "mvtec", "categories": "a"}]},
            r"\"datasets\[0\].categories\" is 'a'; expected a list of texts, or keys, each with a list",
        ),
        ({"datasets": [{"class_path": "mvtec", "part": "all"}]}, "expected one of whole, search, report"),
        (
            {"pipelines": [{"recipe": RECIPE, "seeds": 3}]},
            r"pipelines\[0\].seeds\" is 3; .*, or null",
        ),
        ({"engine": {"jobs": "x" * 99}}, r"\"engine.jobs\" is 'x{76}...; expected a whole number"),
        ({"search": {"values": {}}}, 'Missing: "search.metric"'),
        ({"vary": {"resolution": 16}}, "expected keys, each with a list of numbers"),
        ({"measure": []}, '"measure" must be a list'),
        ({"repeats": 0}, '"repeats" of at least 1, got 0'),
        ({"name": "../escape"}, '"name" of at most 100 letters, .* got "../escape"'),
        ({"timeout": 0}, '"timeout" above 0, got 0'),
        ({"engine": {"backand": "dask"}}, "backand"),
        ({"vary": {"train_images": [1, 2]}}, '"vary.train_images" needs at least 3 different values'),
        ({"vary": {"train_images": [1, 2.5, 4]}}, 'numbers of at least 1 as "train_images", got 2.5'),
        ({"vary": {"train_images": [0, 2, 4]}}, 'numbers of at least 1 as "train_images", got 0'),
        ({"train_images": 0}, 'numbers of at least 1 as "train_images", got 0'),
        ({"pipelines": [{"recipe": RECIPE, "train_images": -1}]}, 'as "train_images", got -1'),
        ({"pipelines": [{"recipe": RECIPE, "vary": {"resolution": [1, 2]}}]}, "at least 3 different"),
        ({"vary": {"resolution": [16, 24, float("inf")]}}, '"vary.resolution" needs at least 3 different'),
        ({"vary": {"resolution": [16, 24, float("nan")]}}, '"vary.resolution" needs at least 3 different'),
        ({"seeds": [10**20]}, 'Expected "seeds" from 0 to 2.32 - 1, found'),
        ({"seeds": [-1]}, 'Expected "seeds" from 0 to 2.32 - 1, found'),
        ({"engine": {"jobs": 0}}, 'Expected "engine.jobs" of at least 1, or -1, got 0'),
        ({"pipelines": ["--help"]}, '"--help" is neither a recipe nor a file'),
        ({"pipelines": [{"recipe": RECIPE, "if_present": None}]}, '"pipelines.0..if_present" has no value'),
        ({"metrics": ["pro", "pro"]}, "has pro.* twice"),
        ({"name": "n" * 101}, "at most 100 letters"),
        ({"name": None}, "name"),
        ({"metrics": ["pr0"]}, "Did you mean 'pro'"),
        ({"metrics": "pro"}, '"metrics" must be a list of names, found'),
        ({"device": "gpu"}, "gpu"),
        ({"calibration": True}, '"calibration" is True; expected keys and values, or {} for the usual ones'),
        ({"calibration": {"false_alarm": 0.1}}, "\"calibration.false_alarm\". Did you mean 'false_alarms'"),
        ({"calibration": {"folds": 2.5}}, 'calibration.folds" is 2.5; expected a whole number'),
        ({"calibration": {"folds": None}}, '"calibration.folds" has no value'),
        ({"calibration": {"folds": 1}}, '"calibration.folds" of at least 2, got 1'),
        (
            {"calibration": {"folds": 13}},
            'seed 0" cannot be calibrated: Expected "calibration.folds" of at most 12, .* got 13',
        ),
        (
            {"calibration": {"false_alarms": 0.05}},
            'stripes, seed 0" cannot be calibrated: "false_alarms" of 0.05 needs 19 normal images, and there '
            "are 12",
        ),
        ({"calibration": {"false_alarms": 0.1}, "train_images": 8}, "needs 9 normal images, and there are 8"),
        ({"calibration": {"false_alarms": 1.5}}, '"false_alarms" above 0 and below 1, got 1.5'),
        ({"calibration": {}, "train_images": 13}, '"train_images" of 13 repeats the 12 images there are'),
        ({"calibration": {}, "measure": ["time"]}, '"calibration" gives .* list "quality" under "measure"'),
    ],
)
def test_what_is_wrong_is_refused_before_anything_runs(suite, changes, message):
    with pytest.raises(BadConfig, match=message) as refusal:
        Suite.read(suite(**changes))
    assert "suite.yaml" in str(refusal.value)
