import json
from dataclasses import replace

import made_records
import pytest

from padimkit.benchmark.store import paths, read, read_all
from padimkit.cli.main import main
from padimkit.cli.repetition import outcome


@pytest.fixture
def padimkit(capsys):
    def padimkit(*words):
        status = main(["benchmark", *map(str, words)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return padimkit


def test_a_suite_runs_and_a_rerun_finds_all_of_it(padimkit, suite, tmp_path):
    folder = tmp_path / "records"
    status, said, _ = padimkit(suite(), "--output", folder)
    assert status == 0
    assert "small: 2 cells\n" in said
    assert "[1/2] mine on mvtec/stripes, seed 0: image_auroc 1.0000" in said
    assert f"2 records are in {folder}; report them by: padimkit report {folder}" in said
    status, said, _ = padimkit(suite(), "--output", folder)
    assert status == 0 and f"small: 2 cells; 2 of them have a record in {folder}" in said


def test_a_dry_run_shows_cells_bytes_and_what_is_left_out_and_runs_nothing(padimkit, suite, broken, tmp_path):
    gone = {"recipe": "padim-filter-bank", "name": "heavy", "if_present": ["gone"]}
    mine = {"recipe": "padim-filter-bank", "name": "mine"}
    path = suite(pipelines=[mine, broken("well"), gone], seeds=[0])
    status, said, errors = padimkit(path, "--dry-run", "--output", tmp_path / "records")
    assert status == 0 and not (tmp_path / "records").exists()
    assert "mine on mvtec/stripes, seed 0: 1" in said and "MB predicted" in said
    assert "well on mvtec/stripes, seed 0: bytes not known before it runs" in said
    assert 'Left out: heavy: "gone" is missing.' in errors


def test_a_dry_run_says_which_rate_of_false_alarms_is_promised(padimkit, suite, tmp_path):
    status, said, _ = padimkit(suite(calibration={}, seeds=[0]), "--dry-run", "--output", tmp_path)
    assert status == 0 and "predicted; at most 7.69% false alarms promised" in said
    few = suite(calibration={"false_alarms": 0.01}, seeds=[0])
    status, said, errors = padimkit(few, "--dry-run", "--output", tmp_path)
    assert status == 2 and said == ""
    assert '"false_alarms" of 0.01 needs 99 normal images, and there are 12' in errors


def test_verdicts_go_through_suite_record_and_report(padimkit, suite, tmp_path, capsys, in_this_process):
    path = suite(calibration={"false_alarms": 0.2}, metrics=["image_auroc"], seeds=[0])
    folder = tmp_path / "records"
    status, said, _ = padimkit(path, "--output", folder)
    (record,) = read_all(folder)
    rates = [f"{name} {record.metrics[name]:.4f}" for name in ("false_alarms", "misses")]
    assert status == 0 and ", ".join(rates) in said
    for form, text in (
        ("markdown", r"### false\_alarms, mvtec; lower is better; thresholds promise at most 20.00% false"),
        ("latex", r"misses, mvtec; lower is better; thresholds promise at most 20.00\% false alarms."),
        ("csv", ",verdicts threshold,verdicts promised,verdicts normal,"),
    ):
        assert main(["report", str(folder), "--format", form]) == 0
        assert text in capsys.readouterr().out
    assert padimkit("--record", folder / f"{record.key}.json")[0] == 0


def test_failures_are_counted_and_named(padimkit, suite, broken, tmp_path, in_this_process):
    path = suite(pipelines=[broken("raises")], seeds=[0])
    status, said, errors = padimkit(path, "--output", tmp_path / "records")
    assert status == 1
    assert 'failed (error) in the stage "density fit": Plugin "breaker" (densities) of' in said
    assert "failed in fit: RuntimeError: out of luck" in said
    assert "1 of 1 cells failed; try them again by --retry-failed." in errors


def test_a_rerun_with_nothing_left_still_tells_of_failures(
    padimkit, suite, broken, tmp_path, in_this_process
):
    path = suite(pipelines=[broken("raises"), broken("well")], seeds=[0])
    first = padimkit(path, "--output", tmp_path / "records")
    again = padimkit(path, "--output", tmp_path / "records")
    assert first[0] == again[0] == 1
    assert "1 of 2 cells failed; try them again by --retry-failed." in again[2]


def test_a_dry_run_leaves_records_as_they_are(padimkit, suite, tmp_path, in_this_process):
    folder = tmp_path / "records"
    padimkit(suite(seeds=[0]), "--output", folder)
    before = {path: path.read_bytes() for path in folder.rglob("*")}
    status, said, _ = padimkit(suite(seeds=[0], name="renamed"), "--output", folder, "--dry-run")
    assert status == 0 and "renamed: 1 cells; 1 of them" in said
    assert {path: path.read_bytes() for path in folder.rglob("*")} == before


def test_a_report_knows_what_the_suite_has_and_what_it_has_no_longer(
    padimkit, suite, tmp_path, capsys, in_this_process
):
    folder = tmp_path / "records"
    padimkit(suite(seeds=[0, 1]), "--output", folder)
    padimkit(suite(seeds=[1, 2]), "--output", folder)
    (gone,) = (path for path in paths(folder) if read(path).cell.seed == 2)
    gone.unlink()
    assert main(["report", str(folder), "--format=markdown"]) == 0
    said = capsys.readouterr().out
    assert "1 cells finished, 0 failed, 1 missing." in said
    assert "- Missing: mine on mvtec/stripes, seed 2 (suite small)." in said
    assert "- Left out, since its suite no longer has it: mine on mvtec / stripes, seed 0." in said


def test_records_of_an_older_padimkit_are_refused_before_anything_runs(
    padimkit, suite, tmp_path, in_this_process
):
    folder = tmp_path / "records"
    padimkit(suite(seeds=[0]), "--output", folder)
    (path,) = paths(folder)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 1}))
    before = {file: file.read_bytes() for file in folder.rglob("*")}
    for words in ((suite(seeds=[0, 1]), "--output", folder), ("--record", path)):
        status, _, errors = padimkit(*words)
        assert status == 2 and f'"{path}" has format 1; this padimkit reads format 2.' in errors
        assert "Move it and those like it elsewhere, and run the suite again." in errors
    assert {file: file.read_bytes() for file in folder.rglob("*")} == before


def test_a_record_of_a_failure_has_nothing_to_compare(padimkit, suite, broken, tmp_path, in_this_process):
    folder = tmp_path / "records"
    padimkit(suite(pipelines=[broken("well")], seeds=[0]), "--output", folder)
    (path,) = paths(folder)
    failure = {"cause": "timeout", "message": "It took too long.", "traceback": "", "stage": "start"}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"failure": failure, "metrics": {}}))
    status, said, _ = padimkit("--record", path)
    assert status == 0 and "The record is of a failed run (timeout): there is nothing to compare." in said


def test_a_record_elsewhere_says_where_its_paths_count_from(
    padimkit, suite, stripes, tmp_path, monkeypatch, in_this_process
):
    monkeypatch.chdir(stripes.parent)
    here = {"class_path": "mvtec", "init_args": {"root": stripes.name, "category": "stripes"}}
    padimkit(suite(datasets=[here], seeds=[0]), "--output", tmp_path / "records")
    (path,) = paths(tmp_path / "records")
    assert padimkit("--record", path)[0] == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    status, _, errors = padimkit("--record", path)
    assert status == 2 and "Paths in a record count from the folder where its suite was run." in errors


def test_a_record_alone_is_enough_to_get_its_figures_again(padimkit, suite, tmp_path, in_this_process):
    folder = tmp_path / "records"
    padimkit(suite(seeds=[3]), "--output", folder)
    (file,) = paths(folder)
    status, said, _ = padimkit("--record", file)
    assert status == 0 and "The metric values are exactly those of the record: 3 metrics." in said
    content = json.loads(file.read_text())
    content["metrics"]["pro"] += 1e-15
    file.write_text(json.dumps(content))
    status, _, errors = padimkit("--record", file)
    assert status == 2 and f"has other metric values: pro {read_all(folder)[0].metrics['pro']!r}." in errors


def test_a_record_of_other_data_is_refused(padimkit, suite, stripes, tmp_path, in_this_process):
    folder = tmp_path / "records"
    padimkit(suite(seeds=[3]), "--output", folder)
    (stripes / "stripes" / "test" / "spot" / "000.png").unlink()
    status, _, errors = padimkit("--record", next(paths(folder)))
    assert status == 2 and "have changed since" in errors


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Give either the YAML file of a suite, or --record FILE"),
        (["a.yaml", "--record", "b.json"], "Give either"),
        (["nowhere.yaml"], '"nowhere.yaml" cannot be read'),
        (["--record", "nowhere.json"], '"nowhere.json" is not a record'),
    ],
)
def test_mistakes_are_explained(padimkit, words, message):
    status, _, errors = padimkit(*words)
    assert status == 2 and message in errors


@pytest.mark.parametrize("options", [["--dry-run"], []])
def test_what_cannot_be_fitted_is_found_before_anything_runs(padimkit, suite, tmp_path, options):
    mine = {"recipe": "padim-filter-bank", "set": {"reducer": "random_channels", "reducer.keep": 1000}}
    path, folder = (
        suite(pipelines=["padim-filter-bank", mine | {"name": "mine"}], seeds=[0]),
        tmp_path / "records",
    )
    status, _, errors = padimkit(path, "--output", folder, *options)
    assert status == 2 and not folder.exists()
    assert f'"{path}": "mine on ' in errors and "cannot be fitted" in errors and "got 1000" in errors


def test_an_engine_that_there_is_not_is_found_by_a_dry_run(padimkit, suite):
    status, _, errors = padimkit(suite(engine={"backend": "nonesuch"}), "--dry-run")
    assert status == 2 and 'no backend "nonesuch"' in errors


def test_an_unknown_option_is_explained(padimkit):
    status, _, errors = padimkit("a.yaml", "--dry-runn")
    assert (status, errors.count("\n")) == (2, 1)
    assert "Unrecognized arguments: --dry-runn. Did you mean '--dry-run'?" in errors


def test_a_metric_without_a_value_is_named_where_its_cell_ends(random):
    record = made_records.made("spade", "bottle", 0, random)
    said = outcome(replace(record, metrics={"pro": 0.5}, undefined={"nan": "The metric gave nan."}))
    assert said.startswith("pro 0.5000, nan undefined")
