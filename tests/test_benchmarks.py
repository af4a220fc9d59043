"""The benchmarks in a tiny setting: that they run and count right, not how quick anything is."""

import json
import sys
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

import padimkit
from benchmarks import (
    complexity,
    coverage,
    depth,
    drift,
    export,
    false_alarms,
    fresh,
    inspector,
    limits,
    load,
    machine,
    methods,
    plugins,
    sharing,
    spade,
    suspicious,
    tiles,
)
from benchmarks.inputs import drawn, embeddings, maps, reduced
from benchmarks.inputs.images import prepare
from benchmarks.measure import measured, typical_seconds
from benchmarks.peers import ours, run
from benchmarks.peers.table import Ratio, lines, qualities
from benchmarks.peers.tasks import Scale, tasks
from padimkit import (
    CannotExport,
    Embedding,
    Gaussian,
    MVTec,
    Pipeline,
    Pixels,
    Preprocessing,
    RandomChannels,
    Tiles,
)
from padimkit.benchmark import store
from padimkit.benchmark.cell import Cell
from padimkit.benchmark.record import Record
from padimkit.benchmark.times import Spread
from padimkit.cli.main import main
from padimkit.images.decoding import stored_channels

TINY = Scale(images=10, wide=24, narrow=6, side=5, maps=6, pixels=64)


@pytest.fixture(autouse=True)
def few_repeats(monkeypatch):
    monkeypatch.setattr(ours, "typical_seconds", partial(typical_seconds, least=2, seconds=0))
    monkeypatch.setattr(limits, "typical_seconds", partial(typical_seconds, least=2, seconds=0))


@pytest.mark.parametrize("channels", [24, 6])
@pytest.mark.parametrize(("storage", "tolerance"), [("full", 1e-4), ("half", 0.02)])
def test_our_density_is_measured_and_right(tmp_path, channels, storage, tolerance):
    file = TINY.embeddings(str(tmp_path), channels)
    embeddings.write(**file)
    found = ours.gaussian(storage=storage, **file)
    assert found["median_deviation"] <= found["largest_deviation"] < tolerance
    assert min(found[name] for name in ("fit_seconds", "score_1_seconds", "score_8_seconds")) > 0
    assert found["disk_bytes"] > 0


@pytest.mark.parametrize("name", ["pro", "pixel_auroc"])
def test_our_metrics_are_measured(tmp_path, name):
    maps.write(**TINY.test_set(str(tmp_path)))
    assert 0.5 < ours.metric(name=name, **TINY.test_set(str(tmp_path)))["value"] <= 1


def test_our_whole_job_runs_on_drawn_images_with_random_weights(tmp_path):
    given = prepare(str(tmp_path), real=False, train_images=3, test_images=1)
    found = ours.job(**given)
    assert set(found) == {"seconds", "fit_seconds", "bytes", "image_auroc", "pixel_auroc", "pro"}
    assert len(set(given["channels"])) == 100


def test_stages_and_growth_are_measured(tmp_path):
    stages = ours.shares(**prepare(str(tmp_path), real=False, train_images=8, test_images=2))
    assert set(stages) == {"decode", "predict", "backbone", "reducer", "density", "map"}
    assert min(stages.values()) > 0
    assert ours.growth(images=16, channels=6, side=5)["seconds"] > 0


def test_a_form_that_is_refused_is_a_row_and_so_is_what_needs_its_file(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise CannotExport("It gives other results.")

    monkeypatch.setattr(padimkit, "export", refused)
    rows = {name: export._made(tmp_path, name) for name in export.FORMS}
    assert rows["OpenVINO"] == {"error": "It gives other results."}
    assert "was refused" in rows["OpenVINO, bfloat16"]["error"]
    line = export._line({"recipe": "a", "images": 9, "runtime": "OpenVINO", **rows["OpenVINO"]})
    assert line.count("|") == len(export.HEAD) + 1 and "It gives other results." in line


def test_a_record_keeps_other_recipes_and_machines_of_the_same_versions(tmp_path, monkeypatch):
    path = tmp_path / "export.json"
    for processor, recipe in [("old", "a"), ("new", "a"), ("new", "b"), ("new", "a")]:
        monkeypatch.setattr(machine, "describe", lambda: {"processor": processor})  # noqa: B023
        export._write(path, recipe, [{"recipe": recipe, "images": 9}])
    record = json.loads(path.read_text())
    found = [(row["recipe"], row["processor"]) for row in record["rows"]]
    assert found == [("a", "old"), ("b", "new"), ("a", "new")]
    path.write_text(json.dumps(record | {"versions": {}}))
    export._write(path, "a", [{"recipe": "a"}])
    assert [row["recipe"] for row in json.loads(path.read_text())["rows"]] == ["a"]


def test_the_memory_of_an_inspector_is_looked_at_after_each_tenth_of_its_calls(tmp_path):
    inspector.prepare(tmp_path, exported=False)
    found = inspector.measured(str(tmp_path), "", calls=20)
    assert len(found["resident_bytes"]) == 10 and min(found["resident_bytes"]) > 1e7
    assert 0 < found["median_ms"] <= found["p99_ms"]


def test_the_work_of_a_density_is_counted():
    found = limits.density(images=8, channels=24, side=5, storage="full")
    work = 25 * (3 * 8**2 * 24 + 8**3 / 3)
    assert found["fit_gflops"] * found["fit_seconds"] * 1e9 == pytest.approx(work)


def test_a_table_shows_medians_ratios_and_what_is_missed(tmp_path):
    task = next(task for task in tasks(TINY, str(tmp_path), {}) if task.name == "job")
    found = {
        "ours": [{"seconds": s, "image_auroc": 0.5, "pixel_auroc": 0.6, "pro": 0.7} for s in (1, 2, 4)],
        "anomalib": [{"seconds": 6, "image_auroc": 0.5, "pixel_auroc": 0.6, "pro": 0.75}] * 3,
    }
    (line,) = lines(task, found)
    assert line.split(" | ")[1:5] == ["2.00 s", "6.00 s", "**3.00** (2.25 to 4.50)", "2: reached"]
    assert "pro 0.75" in list(qualities(task, found))[1]
    assert Ratio.of([4.0], [2.0]) == Ratio(0.5, 0.5, 0.5)


def test_memory_is_measured_above_what_was_there():
    with measured() as taken:
        np.ones(20_000_000)
    assert 150e6 < taken.peak_bytes < 400e6
    assert taken.seconds > 0


def test_a_function_runs_in_a_process_of_its_own(tmp_path):
    arguments = {"images": 4, "channels": 3, "side": 2, "folder": str(tmp_path)}
    found = fresh.call(sys.executable, "benchmarks.inputs.embeddings:write", arguments, threads=1)
    assert found["bytes"] == 4 * 4 * 3 * 2 * 2
    with pytest.raises(fresh.Failed, match="unexpected keyword argument"):
        fresh.call(sys.executable, "benchmarks.fresh:main", {"wrong": 1}, threads=1)


def test_a_missing_peer_is_named():
    with pytest.raises(SystemExit, match='"missing/python" does not exist: "make bench-peers"'):
        run.main(["--peer", "missing/python"])


def test_tasks_that_were_not_run_again_stay_in_the_record(tmp_path):
    path = tmp_path / "peers.json"
    facts = {"machine": {"cores": 2}, "versions": {}, "threads": 1}
    path.write_text(json.dumps({**facts, "tasks": {"job": 1, "metrics": 2}, "own": {"a": 3}}))
    again = {**facts, "tasks": {"metrics": 4}, "own": {}}
    assert run.joined(path, again) == {**facts, "tasks": {"job": 1, "metrics": 4}, "own": {"a": 3}}
    elsewhere = again | {"machine": {"cores": 3}}
    assert run.joined(path, elsewhere) == elsewhere


def test_records_hold_every_round():
    for path in run.RECORDS.glob("peers*.json"):
        record = json.loads(path.read_text())
        assert record["machine"]["processor"] and record["versions"]["peer"]["anomalib"] == "2.7.0"
        assert {len(rounds) for task in record["tasks"].values() for rounds in task.values()} == {5}


def test_the_three_searches_of_spade_find_the_same_distances():
    tiny = {"neighbours": 3, "shapes": [[4, 8], [6, 4], [8, 2]]}
    found = {kind: getattr(spade, kind)(**tiny) for kind in spade.KINDS}
    assert found["ours"]["sorted"] == pytest.approx(found["flat"]["sorted"], rel=1e-5)
    assert all(result["seconds"] > 0 for result in found.values())


def test_methods_are_tabulated_with_their_spread_over_seeds():
    def record(method, category, seed, **metrics):
        cell = Cell("methods", method, "mvtec", category, seed, {}, ("quality",), 1)
        return Record(f"{method}{category}{seed}", cell, metrics=metrics)

    records = [
        record("one", "tile", 0, image_auroc=0.5, pro=0.25),
        record("one", "bottle", 0, image_auroc=1.0),
        record("two", "tile", 0, image_auroc=0.6, pro=0.5),
        record("two", "tile", 1, image_auroc=0.8, pro=0.5),
    ]
    assert methods.table(records, methods.METRICS) == [
        "| image AUROC / PRO | tile | bottle |",
        "| --- | --- | --- |",
        "| one | 50.0 / 25.0 | 100.0 / |",
        "| two | 70.0 ± 14.1 / 50.0 ± 0.0 | / |",
    ]
    assert methods.table(records, methods.FURTHER) == []


def test_methods_are_tabulated_with_their_costs():
    cell = Cell("costs", "one", "mvtec", "bottle", 0, {}, ("time", "memory"), 1)
    seconds = {
        name: Spread(value, value, value, 1)
        for name, value in {"fit": 4.44, "predict 1": 0.0324, "predict 8": 0.0221}.items()
    }
    sizes = {"model": 202_700_000, "peak fit": 906_800_000}
    lines = methods.costs([Record("key", cell, seconds=seconds, bytes=sizes), Record("other", cell)])
    assert lines[2:] == ["| one | 4.4 | 32 | 22 | 203 | 907 |"]


def test_what_the_list_of_plugins_is_measured_with_is_listed(tmp_path, monkeypatch, capsys):
    plugins.install(tmp_path, 3)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert main(["plugins", "list"]) == 0
    listed = [line for line in capsys.readouterr().out.splitlines() if "stranger-" in line]
    assert [line.split("1.2.3")[1].strip() for line in listed] == [
        f"Do what number {n} does." for n in range(3)
    ]
    assert {name: len(turns) for name, turns in plugins.measure(3, 2).items()} == {
        "python alone": 2,
        "padimkit plugins list": 2,
        "the same, 3 plugins of strangers": 2,
    }


def test_tiles_are_measured_beside_squeezed_images(tmp_path, monkeypatch):
    monkeypatch.setattr(tiles, "TILES", Tiles(64, 8))
    category = drawn.write(tmp_path / "spots", size=(100, 130), defect="spot 8", train=3, test=2, seed=0)
    for name in ("squeezed to 256 x 256", "20 tiles, own Gaussians", "strip, own aspect"):
        found = tiles.quality(name, str(category), "none")
        assert found.keys() >= {"image_auroc", "pixel_auroc", "pro", "processor_seconds_per_image"}
        assert 0 <= found["pro"] <= 1 and found["model_gigabytes"] > 0


def test_what_threads_find_under_load_is_measured_beside_what_is_found_alone(tmp_path):
    found = load.threads(tmp_path, 12)
    assert found.as_alone and found.count == 12
    assert found.peak >= found.end.mib > 0 and found.end.files > 0


def test_the_memory_of_tiles_is_measured_beside_its_forecast(tmp_path):
    category = drawn.write(tmp_path / "spots", size=(512, 512), defect="crack 4", train=2, test=1, seed=0)
    found = tiles.growth("3", str(category))
    assert found["fit_gigabytes"] > 0 and found["forecast_gigabytes"] > 0


def test_false_alarms_are_counted_on_images_that_were_neither_learnt_nor_calibrated_on(generator):
    normal = torch.randn(160, 4, 3, 3, generator=generator)
    found = false_alarms.split(normal, 40, seed=1)
    assert found.keys() == {"0.05", "0.1", "highest learnt"}
    assert found["0.05"] <= found["0.1"] < 0.3
    assert found == false_alarms.split(normal, 40, seed=1) != false_alarms.split(normal, 40, seed=2)
    assert false_alarms.summary([0.0, 0.5, 1.0])["mean"] == 0.5


def test_reduced_embeddings_are_those_that_the_density_gets(stripes):
    pipeline = Pipeline(Pixels(), RandomChannels(2), Gaussian(), preprocessing=Preprocessing(16, 12))
    samples = MVTec(stripes, "stripes").train()
    pipeline.fit(samples)
    found = reduced.reduced(pipeline, samples)
    density = Gaussian()
    density.fit([Embedding(found)])
    expected = pipeline.map.predict([density.score(Embedding(found))], (12, 12)).image_scores
    torch.testing.assert_close(pipeline.predict(samples).image_scores, expected)


def test_bad_images_that_were_learnt_are_found_and_dropped(generator):
    normal, good = (torch.randn(count, 3, 6, 6, generator=generator) for count in (40, 12))
    bad = torch.randn(12, 3, 6, 6, generator=generator)
    bad[:, :, 2:4, 2:4] += 9
    found = suspicious.split(normal, good, bad, seed=1)
    assert (found["bad"], found["found"]) == (2, 2) and found["wrong"] <= 1
    assert found["clean auroc"] == found["dropped auroc"] == 1
    assert found["clean misses"] == found["dropped misses"] == 0


def test_what_drift_is_called_is_counted(generator, monkeypatch):
    monkeypatch.setattr(reduced, "SIDE", 12)
    normal = torch.randn(225, 4, 6, 6, generator=generator)
    bad = torch.randn(30, 4, 6, 6, generator=generator)
    bad[:, :, 2:4, 2:4] += 9
    images = {"normal": normal, "bad": bad} | {name: 1.5 * normal for name in drift.CHANGES}
    found = drift.split(images, seed=1)
    assert found["unchanged"]["alarm"] is None and found["all anomalous"]["cause"] == "defects"
    assert all(found[name]["cause"] == "camera or light changed" for name in drift.CHANGES)
    assert found == drift.split(images, seed=1)
    row = drift.summary([found["unchanged"], found["blur, sigma 1"]])
    assert row["camera or light changed"] == 0.5 and row["alarm"] == found["blur, sigma 1"]["alarm"]


def test_deep_files_read_with_their_depth_score_as_those_of_8_bits(stripes, monkeypatch):
    monkeypatch.setattr(depth, "Preprocessing", lambda *_, bits: Preprocessing(32, 28, bits=bits))
    parts = {"backbone": Pixels(), "reducer": RandomChannels(2), "density": Gaussian()}
    found = list(depth.rows(MVTec(stripes, "stripes"), parts))
    assert [(row["depth"], row["bits"]) for row in found] == list(depth.CASES)
    assert [row["largest_deviation"] == 0 for row in found] == [True, True, False, True, False]
    assert found[0]["image_auroc"] == found[1]["image_auroc"] == found[3]["image_auroc"] > 0.9


@pytest.mark.parametrize("bits", [10, 12])
def test_deep_files_hold_the_values_of_a_deeper_camera(stripes, tmp_path, bits):
    source = MVTec(stripes, "stripes")
    sample, original = depth.deepened(source, bits, tmp_path / "deep").train()[3], source.train()[3]
    expected = np.rint(np.asarray(original.picture(None)) * ((2**bits - 1) / 255))
    found = np.stack(stored_channels(sample.path), axis=2)
    np.testing.assert_array_equal(found, expected)


def test_studies_of_known_truth_are_drawn_and_counted(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(coverage, "TRUTH_IMAGES", 60)
    monkeypatch.setattr(
        sys, "argv", ["coverage", "--studies", "2", "--record", str(tmp_path / "coverage.json")]
    )
    coverage.main()
    rows = json.loads((tmp_path / "coverage.json").read_text())
    assert len(rows) == 22 and all(0 <= row["covered"] <= 1 for row in rows)
    assert [row["methods"] > 2 for row in rows] == [row["false_differences"] is not None for row in rows]
    assert len(capsys.readouterr().out.splitlines()) == 2 + len(rows)


def test_a_method_of_equals_that_differs_from_the_best_is_counted():
    pairs = {pair: coverage.Estimate(-0.1, 0.01, 20) for pair in (("0", "1"), ("0", "2"), ("1", "2"))}
    assert coverage.judged(pairs, np.array([0.9, 0.8, 0.8]), -0.1) == (True, True)
    wide = {pair: coverage.Estimate(-0.1, 0.2, 20) for pair in pairs}
    assert coverage.judged(wide, np.array([0.9, 0.8, 0.8]), 9.0) == (False, False)


def test_growth_over_drawn_embeddings_is_printed_drawn_and_kept(tmp_path, monkeypatch, capsys):
    for name, file in (("RECORD", "complexity.json"), ("PICTURE", "complexity.png")):
        monkeypatch.setattr(complexity, name, tmp_path / file)
    (tmp_path / "records").mkdir()
    for varied in ("images", "channels"):
        for size in (10, 20, 40):
            sizes = {"embeddings": {}}
            cell = Cell(
                "alone", "PaDiM", "embeddings", "", 0, sizes, ("time",), 2, varied={varied: float(size)}
            )
            seconds = {name: (1e-3 * size, 1.1e-3 * size) for name in ("fit", "score 1")}
            record = Record(
                f"{varied}-{size}",
                cell,
                seconds={name: Spread(found[0], *found, 2) for name, found in seconds.items()},
                repeats=seconds,
                bytes={"held": 1000 * size},
                predicted={"fit": 5e-4 * size, "held": 1000.0 * size},
                form="samples" if size < 40 else "moments",
            )
            store.write(record, tmp_path / "records")
    complexity.main(tmp_path / "records")
    said = capsys.readouterr().out
    assert "### Exponents of growth with images, embeddings" in said and "PaDiM: samples" in said
    cells = json.loads((tmp_path / "complexity.json").read_text())["cells"]
    assert (
        len(cells) == 6 and {"method", "varied", "form", "seconds", "bytes", "predicted"} == cells[0].keys()
    )
    with Image.open(tmp_path / "complexity.png") as picture:
        assert picture.width > 2 * picture.height


def test_a_part_of_a_data_set_has_all_that_is_learnt_and_some_of_each_kind(stripes, tmp_path):
    root = sharing.part_of(stripes, "stripes", 2, tmp_path / "part")
    part, whole = MVTec(root, "stripes"), MVTec(stripes, "stripes")
    assert len(part.train()) == len(whole.train())
    assert [sample.anomalous for sample in part.test()] == [False, False, True, True]
    assert [len(sample.masks) for sample in part.test()] == [0, 0, 1, 1]
