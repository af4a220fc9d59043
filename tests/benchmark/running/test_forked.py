import json
import os
import signal

import pytest

from padimkit.benchmark.cell import Cell
from padimkit.benchmark.running import execution, forked
from padimkit.benchmark.running.execution import preload
from padimkit.benchmark.running.forked import start
from padimkit.registry.plugin import Plugin

ASKED = """
import atexit, os, sys, threading, time
from types import ModuleType

LOADED = []

def execute(cell, entered, shelf, folder):
    import statistics
    import numpy
    print("said to nobody")
    print(cell.method, file=sys.stderr)
    if cell.method == "leaves":
        sys.exit(3)
    if cell.method == "leaves with words":
        sys.exit("for reasons of its own")
    if cell.method == "is ended":
        raise KeyboardInterrupt
    if cell.method == "leaves work":
        file = lambda name: open(os.path.join(str(folder), name), "w")
        sys.unwritten, sys.cycle = file("open"), [file("cycle")]
        sys.unwritten.write("written"), sys.cycle[0].write("written")
        sys.cycle.append(sys.cycle)
        del sys.cycle
        sys.stdout.write("half a line")
        threading.Thread(target=lambda: (time.sleep(0.1), file("thread").close())).start()
        atexit.register(lambda: file("atexit").close())
    return {
        "server": os.getppid(),
        "loaded": len(LOADED),
        "draw": numpy.random.random(),
        "statistics": statistics.__file__,
        "folder": os.getcwd(),
        "variable": os.environ.get("PADIMKIT_TEST"),
    }

execution = ModuleType("padimkit.benchmark.running.execution")
execution.execute = execute
execution.preload = LOADED.append
sys.modules[execution.__name__] = execution
print("imported")
"""


@pytest.fixture
def begin(tmp_path, monkeypatch):
    """Begins processes of cells that tell about themselves, each with files in a folder of its own."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(ASKED)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"), prepend=os.pathsep)

    def begin(name, method="tells", measure=(), **variables):
        folder = tmp_path / name
        folder.mkdir()
        files = [folder / file for file in ("cell.json", "outcome.json", "stage", "places.json")]
        Cell(
            suite="", method=method, dataset="", category="", settings={}, seed=0, measure=measure, repeats=1
        ).write(files[0])
        files[2].write_bytes(b" " * 32)
        files[3].write_text(json.dumps({"folder": str(folder), "shelf": None}))
        (folder / "stderr").touch()
        return folder, start(files, folder / "stderr", os.environ | variables)

    def told(name, method="tells", measure=(), **variables):
        folder, process = begin(name, method, measure, **variables)
        assert process.wait() == 0
        return json.loads((folder / "outcome.json").read_text())

    begin.told = told
    yield begin
    for servers in forked._IDLE.values():
        for server in servers:
            server.kill()


def test_cells_of_one_environment_are_forked_from_one_server(begin):
    first, second, other = begin.told("a"), begin.told("b"), begin.told("c", PADIMKIT_TEST="other")
    assert first["server"] == second["server"] != other["server"]
    assert first["variable"] is None and other["variable"] == "other"


def test_cells_beside_each_other_have_a_server_each(begin):
    both = [begin("a"), begin("b")]
    assert [process.wait() for _, process in both] == [0, 0]
    servers = {json.loads((folder / "outcome.json").read_text())["server"] for folder, _ in both}
    assert len(servers) == 2


def test_a_part_that_draws_without_a_seed_draws_anew_in_each_cell(begin):
    assert begin.told("a")["draw"] != begin.told("b")["draw"]


def test_files_beside_a_suite_are_not_taken_for_modules(begin, tmp_path, monkeypatch):
    """The working folder is that of the runner, but not on the path."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "statistics.py").write_text("raise SystemExit('a file beside the suite was run')")
    monkeypatch.chdir(tmp_path / "mine")
    told = begin.told("a")
    told_again = begin.told("b", PYTHONPATH=os.environ["PYTHONPATH"] + os.pathsep)  # an entry that is empty
    for cell in (told, told_again):
        assert cell["folder"] == str(tmp_path / "mine")
        assert not cell["statistics"].startswith(str(tmp_path))


def test_cells_that_are_started_find_no_modules_in_the_working_folder_either(begin, tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "statistics.py").write_text("raise SystemExit('a file beside the suite was run')")
    monkeypatch.chdir(tmp_path / "mine")
    monkeypatch.setattr(forked.sys, "platform", "darwin")
    assert not begin.told("a")["statistics"].startswith(str(tmp_path))


def test_only_standard_error_is_kept_each_in_its_file(begin):
    folder, process = begin("a")
    assert process.wait() == 0
    assert (folder / "stderr").read_text() == "imported\ntells\n"  # of the server, which it has started
    folder, process = begin("b")
    assert process.wait() == 0
    assert (folder / "stderr").read_text() == "tells\n"


def test_an_exit_status_arrives(begin):
    _, process = begin("a", "leaves")
    assert process.wait() == 3 and process.wait() == 3
    process.kill()  # which has ended, and its number may be another's
    assert process.wait() == 3


@pytest.mark.parametrize(
    ("method", "said"), [("leaves with words", "for reasons of its own"), ("is ended", "KeyboardInterrupt")]
)
def test_what_ends_a_cell_is_said(begin, method, said):
    folder, process = begin("a", method)
    assert process.wait() == 1 and said in (folder / "stderr").read_text()
    assert not (folder / "outcome.json").exists()


def test_what_a_part_has_begun_is_finished_at_the_end(begin):
    """Files that it has not closed, threads, and what it has asked to be called: as Python itself does."""
    folder, process = begin("a", "leaves work")
    assert process.wait() == 0
    assert (folder / "open").read_text() == (folder / "cycle").read_text() == "written"
    assert (folder / "thread").exists() and (folder / "atexit").exists()


def test_a_server_that_has_been_killed_is_replaced(begin):
    first = begin.told("a")["server"]
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    assert begin.told("b")["server"] != first


def test_a_process_that_is_killed_has_the_status_of_the_signal(begin):
    _, process = begin("a")
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert begin.told("b")


def test_parts_are_imported_before_the_fork_but_for_cells_whose_memory_is_measured(begin):
    found = [begin.told(str(n), measure=m) for n, m in enumerate([("quality",), ("memory",), ("quality",)])]
    assert [one["loaded"] for one in found] == [1, 0, 2]
    assert found[0]["server"] == found[2]["server"] != found[1]["server"]


def test_only_parts_of_padimkit_are_imported_before_the_fork(broken, tmp_path, monkeypatch):
    loaded = []
    monkeypatch.setattr(Plugin, "load", lambda self: loaded.append(self.name))
    settings = {"pipeline": broken("well")["pipeline"] | {"backbone": {"class_path": "pixels"}}}
    cell = Cell("", "", "", "", 0, settings, ("quality",), 1)
    cell.write(tmp_path / "cell.json")
    preload(tmp_path / "cell.json")
    assert "pixels" in loaded and "breaker" not in loaded


def test_the_parser_of_settings_is_made_before_the_fork_if_all_parts_are_of_padimkit(
    broken, tmp_path, monkeypatch
):
    made = []
    monkeypatch.setattr(execution, "make_parser", made.append)
    own = {
        "pipeline": {
            name: {"class_path": part} for name, part in (("backbone", "pixels"), ("density", "spade"))
        }
    }
    for number, settings in enumerate((own, broken("well"))):
        Cell("", "", "", "", 0, settings, ("quality",), 1).write(tmp_path / str(number))
        preload(tmp_path / str(number))
    assert made == [own]
