"""The other process of a check: its threads, and all that can happen to a part in it."""

import importlib
import subprocess
import sys
from functools import cache

import pytest
import torch
from mistakes.backbones import Right

from padimkit.contracts import Backbone
from padimkit.testing import ContractViolation, NotApplicable, checks_of, elsewhere
from padimkit.testing.answers import Usage

KNOWN = "import pickle, sys; pickle.load(sys.stdin.buffer); pickle.dump(True, sys.stdout.buffer, 0);"


@pytest.fixture
def process(monkeypatch):
    """Another process that runs this code in place of the checks: without torch it starts at once."""

    def start(code):
        process = object.__new__(elsewhere._Process)
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        process._kinds = {}
        process._process = subprocess.Popen([sys.executable, "-c", code], **pipes)
        monkeypatch.setattr(elsewhere, "_process", cache(lambda: process))
        started.append(process)

    started = []
    yield start
    for one in started:
        one.end()


def ask(part=Right):
    (check,) = [one for one in checks_of(Backbone) if one.name == "other_processes_give_the_same"]
    check(part)


def test_a_part_that_ends_the_process_is_told_with_the_status(process):
    process(KNOWN + "sys.stdout.flush(); sys.exit(3)")
    with pytest.raises(ContractViolation, match="where it ended the process, with exit status 3. Here it w"):
        ask()


def test_a_part_that_never_answers_is_ended_and_told(process, monkeypatch):
    process(KNOWN + "sys.stdout.flush(); sys.stdin.read()")
    monkeypatch.setattr(elsewhere, "_LIMIT", 0.05)
    with pytest.raises(ContractViolation, match="where it gave no answer in 0 seconds"):
        ask()


def test_a_part_that_raises_only_there_is_told_with_the_error(process):
    process(KNOWN + "pickle.dump('it raised OSError: no such file', sys.stdout.buffer)")
    with pytest.raises(ContractViolation, match="where it raised OSError: no such file. Here it works"):
        ask()


def test_a_process_that_ends_before_it_knows_the_class_tells_nothing_of_the_part(process):
    process("")
    with pytest.raises(NotApplicable, match="cannot be made in another process"):
        ask()


def test_a_class_that_was_imported_anew_is_asked_of_another_process(process):
    process("import sys; sys.stdin.read()")
    first = elsewhere._process_for(Right)
    assert elsewhere._process_for(Right) is first
    assert first._process.poll() is None
    elsewhere._process_for(type("Right", (), {"__module__": Right.__module__}))
    assert first._process.poll() is not None


def test_a_class_that_can_be_imported_only_since_the_process_began_is_known_there(tmp_path, monkeypatch):
    elsewhere.begin("mistakes.backbones")
    (tmp_path / "come_since.py").write_text(
        "from mistakes.backbones import Right\n\n\nclass Since(Right): pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    ask(importlib.import_module("come_since").Since)


@pytest.mark.parametrize(
    ("name", "last"), [("prints_ahead", ""), ("raises_ahead", "raise OSError('no file')")]
)
def test_what_a_module_does_that_is_imported_ahead_is_no_answer(tmp_path, monkeypatch, name, last):
    (tmp_path / f"{name}.py").write_text(
        f"from pathlib import Path\n\nprint('ahead')\nPath(__file__).with_suffix('.txt').touch()\n{last}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    elsewhere.begin(name)
    ask()
    assert (tmp_path / f"{name}.txt").exists()
    assert name not in sys.modules


def test_beginning_a_process_that_has_ended_raises_nothing(process):
    process("")
    elsewhere._process()._process.wait()
    elsewhere.begin("mistakes.backbones")


def test_the_other_process_computes_with_one_thread_as_this_one_does():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        found = elsewhere._result(Right, {}, Usage(lambda part, data: None, _threads))
    finally:
        torch.set_num_threads(before)
    assert found["threads"] == 1


def _threads(part, data):
    return {"threads": torch.tensor(torch.get_num_threads())}
