"""`padimkit inspect --watch`: images that a camera writes, and kills at any moment."""

import json
import os
import shutil
import signal
import sys
import threading
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from watchdog.observers.api import BaseObserver

from padimkit import FilterBank, Gaussian, Identity, Inspector, Pipeline, Preprocessing, calibrate
from padimkit.cli import inspect, watching
from padimkit.cli.events import events_of
from padimkit.cli.main import main
from padimkit.files import only_holder


@pytest.fixture
def new(tmp_path):
    (tmp_path / "new").mkdir()
    return tmp_path / "new"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def bad(stripes):
    return stripes / "stripes" / "test" / "spot"


@pytest.fixture(scope="module")
def inspector(tmp_path_factory):
    """It is fitted once on images of stripes, which are the same in each test."""
    folder = tmp_path_factory.mktemp("learnt")
    random = np.random.default_rng(0)
    for number in range(12):
        pixels = 128 + 40 * np.sin(np.arange(48) / 3)[None, :] + random.normal(0, 6, (48, 48))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{number}.png")
    pipeline = Pipeline(FilterBank(), Identity(), Gaussian(), preprocessing=Preprocessing(48, 40))
    pipeline.fit(folder, progress=False)
    found = calibrate(pipeline, folder)
    return Inspector(pipeline, found, batch_size=2, workers=0)


@pytest.fixture
def loaded(inspector, tmp_path, monkeypatch):
    monkeypatch.setattr(inspect, "Inspector", lambda *_, **__: inspector)
    return tmp_path / "model"


@pytest.fixture
def no_events(monkeypatch):
    """A file system that tells of nothing, as those of networks."""
    monkeypatch.setattr(BaseObserver, "start", lambda _: None)
    monkeypatch.setattr(BaseObserver, "stop", lambda _: None)
    monkeypatch.setattr(BaseObserver, "join", lambda *_: None)


def lines(out):
    file = out / "results.jsonl"
    whole = file.read_text().rpartition("\n")[0].splitlines() if file.exists() else []
    return [json.loads(line) for line in whole]


def names(out):
    return [Path(line["path"]).name for line in lines(out)]


def kept(out):
    return sorted(path.relative_to(out).as_posix() for path in (out / "sorted").rglob("*.*"))


@contextmanager
def meanwhile(work, kind=signal.SIGTERM):
    """Do the work in a thread beside, and then end the watch as a supervisor does."""
    failed = []

    def worked():
        try:
            work()
        except BaseException as error:  # told in the main thread
            failed.append(error)
        finally:
            os.kill(os.getpid(), kind)

    thread = threading.Thread(target=worked)
    thread.start()
    yield
    thread.join()
    assert failed == []


def wait_for(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "It took too long."
        time.sleep(0.01)


def watch(model, new, out, work, *words, kind=signal.SIGTERM):
    with meanwhile(work, kind):
        return main(["inspect", str(model), str(new), "--watch", f"--output={out}", "--every=0.1", *words])


def until(out, count):
    return lambda: wait_for(lambda: len(lines(out)) >= count)


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_images_are_inspected_as_they_appear_until_a_signal(loaded, good, bad, new, out, capsys, kind):
    shutil.copy(good / "000.png", new / "early.png")

    def camera():
        until(out, 1)()
        shutil.copy(bad / "000.png", new / "copied.png")
        until(out, 2)()
        shutil.copy(good / "001.png", new / ".renamed.tmp")
        (new / ".renamed.tmp").rename(new / "renamed.png")
        until(out, 3)()

    before = signal.getsignal(kind)
    assert watch(loaded, new, out, camera, kind=kind) == 0
    assert names(out) == ["early.png", "copied.png", "renamed.png"]
    assert len((out / "results.csv").read_text().splitlines()) == 4
    assert (out / "pictures" / "000002-copied.png").exists()
    found = capsys.readouterr()
    assert f"Watching {new}; Ctrl-C ends it" in found.out and "3 images: " in found.out
    assert "Traceback" not in found.err and signal.getsignal(kind) == before


def test_a_file_system_without_events_is_looked_at(loaded, good, new, out, no_events):
    def camera():
        wait_for((out / "results.jsonl").exists)
        shutil.copy(good / "000.png", new / "1.png")
        until(out, 1)()

    assert watch(loaded, new, out, camera) == 0
    assert names(out) == ["1.png"]


def test_a_system_that_cannot_tell_is_named_and_the_folders_are_looked_at(
    loaded, good, new, out, monkeypatch, capsys
):
    def refused(_):
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(BaseObserver, "start", refused)
    shutil.copy(good / "000.png", new / "1.png")
    assert watch(loaded, new, out, until(out, 1)) == 0
    assert "inotify watch limit reached" in capsys.readouterr().err


def test_a_file_that_is_still_written_is_waited_for(loaded, good, new, out, capsys, no_events):
    content = (good / "000.png").read_bytes()

    def camera():
        with (new / "slow.png").open("wb") as file:
            for start in range(0, len(content), -(-len(content) // 8)):
                file.write(content[start : start + -(-len(content) // 8)])
                file.flush()
                time.sleep(0.06)
        until(out, 1)()
        (new / "never.png").touch()
        time.sleep(0.3)

    assert watch(loaded, new, out, camera) == 0
    assert [line["verdict"] for line in lines(out)] != ["ERROR"] and names(out) == ["slow.png"]
    assert "1 files were not complete at the end" in capsys.readouterr().err


def test_a_writer_that_pauses_loses_nothing(loaded, good, new, out):
    """Where the system tells of writing and closing: several looks find the half file unchanged."""
    whole = (good / "000.png").read_bytes()

    def work():
        shutil.copy(good / "001.png", new / "quick.png")
        until(out, 1)()
        with (new / "slow.png").open("wb") as file:
            file.write(whole[: len(whole) // 2])
            file.flush()
            time.sleep(0.5)  # ten looks
            file.write(whole[len(whole) // 2 :])
        until(out, 2)()

    assert watch(loaded, new, out, work, "--sort=move", "--every=0.05") == 0
    assert names(out) == ["quick.png", "slow.png"]
    assert all(line["verdict"] != "ERROR" for line in lines(out))
    (place,) = (path for path in (out / "sorted").rglob("*slow.png"))
    assert place.read_bytes() == whole and list(new.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of files that are closed")
def test_a_file_that_is_renamed_while_it_is_written_is_told_of_when_it_is_closed(new):
    """Else half of it would be inspected, and moved away from its writer."""

    def told(path):
        found = []
        while path not in found:
            found += events.wait(time.monotonic() + 20)
        return found

    with events_of([new]) as events:
        with (new / "early.png").open("wb") as file:
            file.write(b"half")
            file.flush()
            (new / "early.png").rename(new / "late.png")
            (new / "other.png").touch()
            assert told(new / "other.png") == [new / "other.png"]
            assert events.open == {new / "late.png"}
        assert told(new / "late.png") == [new / "late.png"] and not events.open


def test_a_restart_inspects_nothing_twice(loaded, good, new, out):
    for number in range(3):
        shutil.copy(good / f"{number:03}.png", new)
    assert watch(loaded, new, out, until(out, 3)) == 0
    whole = (out / "results.jsonl").read_bytes()
    (out / "results.jsonl").write_bytes(whole[:-20])  # killed while it wrote

    def camera():
        until(out, 3)()
        shutil.copy(good / "003.png", new)
        until(out, 4)()

    assert watch(loaded, new, out, camera) == 0
    assert names(out) == ["000.png", "001.png", "002.png", "003.png"]
    assert (out / "results.jsonl").read_bytes().startswith(whole[: whole[:-1].rfind(b"\n")])


def test_a_name_that_is_used_again_is_another_image(loaded, good, bad, new, out):
    shutil.copy(good / "000.png", new / "current.png")

    def camera():
        until(out, 1)()
        shutil.copy(bad / "000.png", new / "next.tmp")
        (new / "next.tmp").replace(new / "current.png")
        until(out, 2)()

    assert watch(loaded, new, out, camera) == 0
    assert names(out) == ["current.png"] * 2 and lines(out)[1]["verdict"] == "NG"


@pytest.mark.parametrize("sort", ["copy", "move"])
def test_files_are_sorted_by_verdict(loaded, good, bad, new, out, sort):
    shutil.copy(bad / "000.png", new / "a.png")
    (new / "b.png").write_bytes(b"no image")
    os.utime(new / "a.png", (1, 1))
    assert watch(loaded, new, out, until(out, 2), f"--sort={sort}") == 0
    assert kept(out) == ["sorted/ERROR/000002-b.png", "sorted/NG/000001-a.png"]
    assert [line["sorted"] for line in lines(out)] == ["sorted/NG/000001-a.png", "sorted/ERROR/000002-b.png"]
    assert (out / "sorted/NG/000001-a.png").read_bytes() == (bad / "000.png").read_bytes()
    left = [] if sort == "move" else ["a.png", "b.png"]
    assert sorted(path.name for path in new.iterdir()) == left


def test_the_pages_of_a_file_stay_together_under_the_gravest_verdict(loaded, good, bad, new, out):
    pages = [Image.open(path / "000.png") for path in (bad, good)]
    pages[0].save(new / "scan.tiff", save_all=True, append_images=pages[1:])
    assert watch(loaded, new, out, until(out, 2), "--sort=move") == 0
    assert kept(out) == ["sorted/NG/000002-scan.tiff"] and list(new.iterdir()) == []
    assert ["sorted" in line for line in lines(out)] == [False, True]


def test_a_file_that_gains_pages_while_it_is_read_is_waited_for(
    loaded, good, bad, new, out, inspector, monkeypatch
):
    """It was complete with one page when it was listed, and is scored with both once it is so again."""
    pages = [Image.open(path / "000.png") for path in (good, bad)]
    pages[0].save(new / "scan.tiff")
    each = inspector.each

    def grown(images):
        if not (out / "grown").exists():
            (out / "grown").touch()
            pages[0].save(new / "scan.tiff", save_all=True, append_images=pages[1:])
        return each(images)

    monkeypatch.setattr(Inspector, "each", lambda _, images: grown(images))
    assert watch(loaded, new, out, until(out, 2)) == 0
    assert names(out) == ["scan.tiff[0]", "scan.tiff[1]"]
    assert [line["verdict"] for line in lines(out)][1] == "NG"


class Killed(BaseException):
    """In place of SIGKILL: nothing after it is done."""


@pytest.mark.parametrize("moment", ["copied", "line written", "copying"])
@pytest.mark.parametrize("sort", ["copy", "move"])
def test_a_kill_while_files_are_sorted_loses_and_doubles_nothing(
    loaded, good, new, out, monkeypatch, moment, sort
):
    for number in range(3):
        shutil.copy(good / f"{number:03}.png", new)
        os.utime(new / f"{number:03}.png", (number, number))
    with monkeypatch.context() as patch:
        killed_at(moment, patch)
        with pytest.raises(Killed):
            main(
                [
                    *("inspect", str(loaded), str(new), "--watch", f"--output={out}"),
                    *("--every=0.1", "--batch_size=1", f"--sort={sort}"),
                ]
            )
    assert len(lines(out)) < 3

    def done():
        until(out, 3)()
        wait_for(lambda: sort == "copy" or not list(new.iterdir()))

    assert watch(loaded, new, out, done, f"--sort={sort}") == 0
    assert names(out) == ["000.png", "001.png", "002.png"]
    assert sorted(path.rpartition("/")[2] for path in kept(out)) == [
        "000001-000.png",
        "000002-001.png",
        "000003-002.png",
    ]
    for line in lines(out):
        original = good / Path(line["path"]).name
        assert (out / line["sorted"]).read_bytes() == original.read_bytes()


def killed_at(moment, patch):
    remove = watching._Work._remove

    def copied(keep, path, target):
        keep(path, target)
        if path.name == "001.png":
            raise Killed

    def half(keep, path, target):
        if path.name == "001.png":
            target.with_name(f".padimkit-{target.name}").write_bytes(b"half")
            raise Killed
        keep(path, target)

    def removed(self, file):
        if file.arrival.path.name == "000.png":
            raise Killed
        remove(self, file)

    if moment == "line written":
        patch.setattr(watching._Work, "_remove", removed)
    else:
        for sort, keep in watching._KEEP.items():
            patch.setitem(watching._KEEP, sort, partial(copied if moment == "copied" else half, keep))


def test_disks_without_links_are_copied_to(loaded, good, new, out, monkeypatch):
    def refused(*_, **__):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refused)
    shutil.copy(good / "000.png", new / f"{'n' * 250}.png")
    assert watch(loaded, new, out, until(out, 1), "--sort=move") == 0
    assert len(kept(out)) == 1 and list(new.iterdir()) == []


def test_a_file_that_cannot_be_removed_is_named(loaded, good, new, out, monkeypatch, capsys):
    shutil.copy(good / "000.png", new)
    unlink = Path.unlink

    def refused(self, missing_ok=False):
        if self.parent == new:
            raise PermissionError(13, "Permission denied", str(self))
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    assert watch(loaded, new, out, until(out, 1), "--sort=move") == 0
    assert (
        '000.png" is kept by its verdict, but cannot be removed: Permission denied' in capsys.readouterr().err
    )


def test_an_image_that_has_gone_before_it_is_drawn_is_named(loaded, bad, new, out, monkeypatch, capsys):
    shutil.copy(bad / "000.png", new)
    open_image = inspect.open_image

    def gone(path, *rest):
        path.unlink()
        return open_image(path, *rest)

    monkeypatch.setattr(inspect, "open_image", gone)
    assert watch(loaded, new, out, until(out, 1)) == 0
    assert "Nothing is drawn of an image that has gone" in capsys.readouterr().err


def test_a_folder_that_goes_for_a_while_is_waited_for(loaded, good, new, out, capsys, no_events):
    def drive():
        wait_for((out / "results.jsonl").exists)
        new.rename(out.parent / "away")
        time.sleep(0.3)
        (out.parent / "away").rename(new)
        shutil.copy(good / "000.png", new)
        until(out, 1)()

    assert watch(loaded, new, out, drive) == 0
    assert "It is looked at again" in capsys.readouterr().err


class TestMistakes:
    def fails(self, capsys, *words):
        assert main(["inspect", *map(str, words)]) == 2
        return capsys.readouterr().err

    def test_a_second_watch_of_the_same_output(self, loaded, new, out, capsys):
        out.mkdir()
        with only_holder(out / ".running", ""):
            (out / "results.jsonl").touch()
            said = self.fails(capsys, loaded, new, "--watch", f"--output={out}")
        assert f'Another watch is writing results to "{out}"' in said

    def test_a_file_in_place_of_a_folder(self, loaded, good, out, capsys):
        said = self.fails(capsys, loaded, good / "000.png", "--watch", f"--output={out}")
        assert "is not a folder" in said and not out.exists()

    def test_a_mask_among_the_images(self, loaded, new, out, capsys):
        (new / "000_mask.png").touch()
        assert "is a mask by its name" in self.fails(capsys, loaded, new, "--watch", f"--output={out}")
        assert not out.exists()

    @pytest.mark.parametrize("every", ["0", "-1", ".nan", ".inf"])
    def test_no_sensible_time_between_looks(self, loaded, new, out, capsys, every):
        said = self.fails(capsys, loaded, new, "--watch", f"--every={every}", f"--output={out}")
        assert 'Expected "every" above 0 and up to 3600 seconds' in said

    def test_sorting_without_a_watch(self, loaded, new, out, capsys):
        assert "--sort needs --watch" in self.fails(capsys, loaded, new, "--sort=move", f"--output={out}")

    def test_no_watchdog(self, loaded, new, out, capsys, monkeypatch):
        monkeypatch.setattr(inspect, "find_spec", lambda _: None)
        said = self.fails(capsys, loaded, new, "--watch", f"--output={out}")
        assert "pip install 'padimkit[watch]'" in said

    def test_an_output_within_what_is_watched(self, loaded, new, capsys):
        assert "is inside the input" in self.fails(capsys, loaded, new, "--watch", f"--output={new / 'out'}")


def test_files_that_were_sorted_are_not_overwritten(loaded, good, new, out, capsys):
    """They were moved, and may be all that is left of them."""
    shutil.copy(good / "000.png", new / "0.png")
    assert watch(loaded, new, out, until(out, 1), "--sort=move") == 0
    before = kept(out)
    capsys.readouterr()
    assert main(["inspect", str(loaded), str(good), f"--output={out}", "--overwrite"]) == 2
    assert "holds images that a watch has sorted" in capsys.readouterr().err
    assert kept(out) == before and len(lines(out)) == 1
