"""Hostile inputs end in one clear error, or do no harm: no traceback, no hang, no program started."""

import shutil
from pathlib import Path

import hostile
import pytest

COUNT = 300
FOUND = Path(__file__).parent / "regressions"


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return hostile.Bench.made(tmp_path_factory.mktemp("hostile"))


@pytest.mark.parametrize("kind", sorted(hostile.SHARES))
def test_hostile_inputs_do_no_harm(bench, kind):
    cases = [hostile.run(*case, bench) for case in hostile.cases(COUNT, 0) if case[0] == kind]
    failed = [case for case in cases if case.outcome not in hostile.HARMLESS]
    assert not failed, "\n".join(
        f"{case.kind} {case.number}: {case.outcome}\n{case.detail}" for case in failed
    )
    usual = {"refused"} if kind == hostile.WRITES else {"taken", "refused"}
    assert usual <= {case.outcome for case in cases}  # else nothing was changed, or all of it


@pytest.mark.parametrize("folder", sorted(FOUND.iterdir()), ids=lambda folder: folder.name)
def test_what_was_found_before_is_refused(folder, tmp_path):
    copy, use = shutil.copytree(folder, tmp_path / "case"), hostile.KINDS[folder.name.partition("-")[0]][1]
    outcome, detail = hostile.outcome_of(lambda: use(copy))
    assert outcome == "refused", detail


@pytest.mark.parametrize(
    ("use", "outcome"),
    [
        (lambda: {}["a"], "traceback"),
        (lambda: __import__("subprocess").run(["true"]), "program"),
        (lambda: __import__("time").sleep(9), "hang"),
    ],
)
def test_each_kind_of_harm_is_noticed(monkeypatch, use, outcome):
    monkeypatch.setattr(hostile, "LIMIT", 1)
    assert hostile.outcome_of(use)[0] == outcome
