"""Commands whose n-th call that writes fails or kills them, and what is there afterwards.

A command runs in a fork, in which an audit hook counts the calls that open for writing, make, rename or
remove something, and functions in the place of `os.fsync` and of the exchange of names count theirs. Bytes
are written by many libraries, so the system itself refuses those beyond a length, or ends the process there.
"""

import errno
import hashlib
import io
import os
import re
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
import zipfile
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import made_records
import numpy as np
import torch
import yaml
from PIL import Image

from padimkit.benchmark import store
from padimkit.cli.main import main
from padimkit.files import replacement
from padimkit.files.staging import PREFIX

LIMIT = 60  # seconds until a command counts as a hang
EVENTS = (
    "os.mkdir",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.chmod",
    "os.truncate",
)
WAYS = ("full disk", "error once", "error ever after", "killed", "too long", "killed in a write")
_GROWING = ("open", "os.mkdir", "os.link", "os.symlink", "fsync", "exchange")  # what a full disk refuses
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_NUMBERS = re.compile(rb"\b(true|false)\b|[0-9][0-9a-f.:+-]*(e[0-9]+)?|\b[0-9a-f]{12,}\b")
_FAILED = 99  # the status of a command that ended in a traceback

Snapshot = Mapping[str, str]


@dataclass(frozen=True)
class Command:
    """A command that writes an output in the place of an earlier one, or a first one.

    Args:
        old: The words that make the earlier output; {root} and {out} stand for paths.
        new: Those that make the output.
        replacing: The word by which it replaces the earlier one.
        again: The word by which it goes on after it was stopped; by default it begins anew.
        name: The name of its output.
    """

    old: str
    new: str
    replacing: str = "--overwrite"
    again: str = "--overwrite"
    name: str = "out"


_DATA = "--data folder --data.normal"
_TEST = f"{_DATA} {{root}}/good --data.anomalous {{root}}/bad"
COMMANDS: dict[str, Command] = {
    "fit": Command(
        f"fit {{root}}/small.yaml {_DATA} {{root}}/bad --output {{out}}",
        f"fit {{root}}/small.yaml {_DATA} {{root}}/good --output {{out}}",
    ),
    "calibrate": Command(
        f"fit {{root}}/small.yaml {_DATA} {{root}}/bad --output {{out}}",
        f"calibrate {{root}}/model {_DATA} {{root}}/good --output {{out}}",
    ),
    "update": Command(
        f"fit {{root}}/small.yaml {_DATA} {{root}}/bad --output {{out}}",
        "update {root}/model {root}/bad --learn all --output {out}",
    ),
    "predict": Command(
        "predict {root}/model {root}/good --output {out}",
        "predict {root}/model {root}/bad {root}/good/1.png --output {out}",
    ),
    "inspect": Command(
        "inspect {root}/model {root}/good --output {out} --pictures all",
        "inspect {root}/model {root}/bad {root}/good/1.png --output {out} --pictures all --maps",
        again="--resume",
    ),
    "evaluate": Command(
        f"evaluate {{root}}/model {_TEST} --learnt_too --output {{out}}",
        f"evaluate {{root}}/small.yaml {_TEST} --output {{out}}",
        name="out.json",
    ),
    "report": Command(
        "report {root}/records/a.json --format csv --output {out}",
        "report {root}/records --format markdown --output {out}",  # a page takes two seconds to draw
        name="out.md",
    ),
    "benchmark": Command(
        "benchmark {root}/first.yaml --output {out}",
        "benchmark {root}/suite.yaml --output {out}",
        replacing="",
        again="--retry-failed",
    ),
    "export": Command(
        "export {root}/model --format torchscript --output {out}",
        "export {root}/other --format torchscript --output {out}",
        name="out.pt",
    ),
}


@dataclass(frozen=True)
class Fault:
    """What happens to a command, and at which call, or byte of a file."""

    way: str
    place: int


@dataclass(frozen=True)
class Ended:
    """The end of a command: its status, negative for a signal, its words, and how many calls it made."""

    status: int
    said: str
    calls: int


@dataclass(frozen=True)
class Sound:
    """A run that nothing happens to: its calls, the length of its largest file, and its output."""

    calls: int
    bytes: int
    output: Snapshot


@dataclass(frozen=True)
class Trial:
    """A command in a folder, with or without an earlier output, where names can be exchanged or not."""

    root: Path
    name: str
    replacing: bool
    steps: bool

    @property
    def command(self) -> Command:
        return COMMANDS[self.name]

    def run(self, folder: Path, *more: str, fault: Fault | None = None) -> Ended:
        words = self.command.new.format(root=self.root, out=folder / self.command.name).split()
        given = [word for word in more if word]
        return in_fork(partial(_begun, [*words, *given], folder, self, fault))

    def place_old(self, folder: Path) -> Snapshot:
        """Put the earlier output there, if there is to be one; it is made when it is first asked for."""
        (folder / "tmp").mkdir()
        if not self.replacing:
            return {}
        kept = self.root / f"old-{self.name}"
        if not kept.exists():
            made = Path(tempfile.mkdtemp(dir=self.root))
            (made / "tmp").mkdir()
            words = self.command.old.format(root=self.root, out=made / self.command.name).split()
            ended = in_fork(partial(_begun, words, made, self, None))
            assert ended.status in (0, 1), ended.said
            made.rename(kept)
        source = kept / self.command.name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / self.command.name)
        return exact(folder / self.command.name)


_SOUND: dict[Trial, Sound] = {}


def sound(trial: Trial) -> Sound:
    """Return the run of a trial that nothing happens to, which is made once."""
    if trial not in _SOUND:
        folder = Path(tempfile.mkdtemp(dir=trial.root))
        trial.place_old(folder)
        ended = trial.run(folder, trial.command.replacing if trial.replacing else "")
        assert ended.status in (0, 1), ended.said
        output = folder / trial.command.name
        longest = max(path.stat().st_size for path in (output, *output.rglob("*")) if path.is_file())
        _SOUND[trial] = Sound(ended.calls, longest, alike(output))
        shutil.rmtree(folder)
    return _SOUND[trial]


def tried(root: Path, folder: Path, random: np.random.Generator) -> tuple[str, str]:
    """Let something happen to a command that writes into a folder, and return what became of it, in detail.

    "taken": it was done all the same; "refused": one message; "killed", with the old output, or the new one,
    or none where there was none, and nothing else left by the next run or by `padimkit clean`. Else "half",
    "traceback" or "hang".
    """
    names = sorted(COMMANDS)
    trial = Trial(root, names[int(random.integers(len(names)))], random.random() < 0.7, random.random() < 0.3)
    known = sound(trial)
    way = WAYS[int(random.integers(len(WAYS)))]
    most = known.bytes if way in ("too long", "killed in a write") else known.calls
    fault = Fault(way, int(random.integers(most)))
    old = trial.place_old(folder)
    ended = trial.run(folder, trial.command.replacing if trial.replacing else "", fault=fault)
    outcome = _outcome(ended)
    finish = _finished if random.random() < 0.5 else _cleaned
    wrong = outcome in ("taken", "refused", "killed") and (
        _wrong(trial, fault, folder, old, known, outcome) or finish(trial, folder, old, known)
    )
    told = f"{trial.name}, replacing {trial.replacing}, in steps {trial.steps}: {fault}"
    return ("half", f"{told}: {wrong}\n{ended.said}") if wrong else (outcome, f"{told}\n{ended.said}")


def _outcome(ended: Ended) -> str:
    if ended.status in (-signal.SIGKILL, -signal.SIGXFSZ):
        return "killed"
    if ended.status == -signal.SIGALRM:
        return "hang"
    if ended.status == _FAILED or ended.status < 0 or "Traceback" in ended.said:
        return "traceback"
    return "taken" if ended.status in (0, 1) else "refused"


def _wrong(trial: Trial, fault: Fault, folder: Path, old: Snapshot, known: Sound, outcome: str) -> str:
    """Return what is wrong with what is there, before anything is mended; empty if nothing is."""
    output = folder / trial.command.name
    is_new = output.exists() and alike(output) == known.output
    if outcome == "taken" and not is_new:
        return f"it ended well, and its output is not whole: {_difference(alike(output), known.output)}"
    if _goes_on(trial) or is_new or exact(output) == old:
        return ""
    if trial.replacing and (fault.way == "error ever after" or (trial.steps and outcome == "killed")):
        return ""  # in the middle of steps, which the next run finishes
    return f"neither old nor new: {sorted(exact(output))}"


def _cleaned(trial: Trial, folder: Path, old: Snapshot, known: Sound) -> str:
    """Run `padimkit clean`, and return what is wrong then."""
    output = folder / trial.command.name
    _age(folder)
    with redirect_stdout(io.StringIO()):
        status = main(["clean", str(folder)])
    if status or list(folder.rglob(f"{PREFIX}*")):
        return f"left after clean: {_left(folder)}"
    if trial.name == "benchmark":
        assert not output.exists() or len(store.read_all(output)) >= 0
    if _goes_on(trial) or exact(output) == old or alike(output) == known.output:
        return ""
    return f"neither old nor new after clean: {sorted(exact(output))}"


def _finished(trial: Trial, folder: Path, old: Snapshot, known: Sound) -> str:
    """Run the command again, and return what is wrong then."""
    output = folder / trial.command.name
    _age(folder)
    untouched = trial.replacing and exact(output) == old
    ended = trial.run(folder, trial.command.replacing if untouched else trial.command.again)
    if ended.status not in (0, 1) or "Traceback" in ended.said:
        return f"the next run failed: {ended.status}, {ended.said}"
    if list(output.parent.rglob(f"{PREFIX}*")):
        return f"left after the next run: {_left(folder)}"
    if alike(output) != known.output:
        return f"not the output of the next run: {_difference(alike(output), known.output)}"
    return ""


def _goes_on(trial: Trial) -> bool:
    """Return whether the output grows, so that parts of it are no half output."""
    return trial.name in ("inspect", "benchmark")


def _age(folder: Path) -> None:
    """Let what is left look as if its process had ended some time ago."""
    for path in folder.rglob(f"{PREFIX}*"):
        os.utime(path, (time.time() - 60,) * 2)


def _left(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob(f"{PREFIX}*"))


def exact(output: Path) -> Snapshot:
    """Return the digests of the files of an output, of which there may be none."""
    return _snapshot(output, lambda content: content)


def alike(output: Path) -> Snapshot:
    """Return digests that times and places do not change: each number is as good as another."""
    here = str(output.parent).encode()
    return _snapshot(output, lambda content: _NUMBERS.sub(b"#", _names_in(content).replace(here, b"")))


def _names_in(content: bytes) -> bytes:
    """Return the names in an archive of TorchScript, which is never the same twice, if it is a whole one."""
    if not content.startswith(b"PK"):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return "\n".join(archive.namelist()).encode()


def _snapshot(output: Path, seen: Callable[[bytes], bytes]) -> Snapshot:
    files = [path for path in (output, *output.rglob("*")) if path.is_file() and path.name != ".running"]
    return {
        str(path.relative_to(output)): hashlib.sha256(seen(path.read_bytes())).hexdigest()
        for path in files
        if PREFIX not in str(path.relative_to(output))
    }


def _difference(found: Snapshot, expected: Snapshot) -> list[str]:
    names = found.keys() | expected.keys()
    return sorted(name for name in names if found.get(name) != expected.get(name))[:5]


def in_fork(run: Callable[[list[int]], int]) -> Ended:
    """Run a function in a fork, and return its status, what it printed, and the number that it counted."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        _run_and_exit(run, write)
    os.close(write)
    said, end = b"", time.monotonic() + LIMIT
    with os.fdopen(read, "rb", 0) as pipe:
        while select.select([pipe], [], [], max(0.0, end - time.monotonic()))[0]:
            more = pipe.read(65536)
            if not more:
                break
            said += more
        else:
            os.kill(child, signal.SIGALRM)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    text, _, calls = said.decode(errors="replace").rpartition("\0")
    return Ended(status, text or calls, int(calls) if text and calls.isdigit() else 0)


def _run_and_exit(run: Callable[[list[int]], int], write: int) -> None:
    status, calls = _FAILED, [0]
    try:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        sys.stdout = sys.stderr = os.fdopen(write, "w", 1, encoding="utf-8", errors="backslashreplace")
        status = run(calls)
    except BaseException:  # whatever ends a command in another way than by a message is what is looked for
        traceback.print_exc(file=sys.stderr)
    finally:
        sys.stderr.write(f" \0{calls[0]}")
        sys.stderr.flush()
        os._exit(status)


def _begun(words: list[str], folder: Path, trial: Trial, fault: Fault | None, calls: list[int]) -> int:
    """Run a command in this process, which ends afterwards, with a fault."""
    tempfile.tempdir = str(folder / "tmp")
    _make_up_cells(trial.root)
    exchange, fsync = replacement.exchange, os.fsync

    def happens(call: str) -> None:
        calls[0] += 1
        if fault is not None and fault.way not in ("too long", "killed in a write"):
            _happen(fault, call, calls[0] - 1)

    def counted_exchange(one: Path, other: Path) -> bool:
        try:
            happens("exchange")
        except OSError:
            return False
        return not trial.steps and exchange(one, other)

    def counted_fsync(handle: int) -> None:
        happens("fsync")
        fsync(handle)

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        if _writes(event, arguments, folder):
            happens(event)

    replacement.exchange, os.fsync = counted_exchange, counted_fsync
    sys.addaudithook(audit)
    if fault is not None and fault.way in ("too long", "killed in a write"):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN if fault.way == "too long" else signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (fault.place, fault.place))
    return main(words)


def _writes(event: str, arguments: tuple[object, ...], folder: Path) -> bool:
    """Return whether an event of Python's audit is a call that writes into the folder."""
    path = arguments[0] if arguments else None
    if event not in ("open", *EVENTS) or not isinstance(path, str | bytes | os.PathLike):
        return False
    if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & _WRITING):
        return False
    name = os.fsdecode(path)
    return name.startswith(str(folder)) or not Path(name).is_absolute()


def _happen(fault: Fault, call: str, number: int) -> None:
    if fault.way == "killed" and number == fault.place:
        os.kill(os.getpid(), signal.SIGKILL)
    if fault.way == "full disk" and number >= fault.place and call in _GROWING:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if (fault.way == "error once" and number == fault.place) or (
        fault.way == "error ever after" and number >= fault.place
    ):
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def _make_up_cells(root: Path) -> None:
    """Let cells of benchmarks have outcomes at once: their processes are not what fails here."""
    from padimkit.benchmark.running import process

    record = store.read(root / "records" / "a.json")
    outcome = {
        name: value for name, value in asdict(record).items() if name in ("metrics", "seconds", "environment")
    }

    def made_up(folder: Path, limits: object) -> tuple[dict[str, object], int]:
        return outcome, 0

    process._ended = made_up


def prepare(root: Path) -> None:
    """Make what the commands need in a folder of their own."""
    torch.set_num_threads(1)  # a fork has none of the threads that would compute, and would wait for them
    random = np.random.default_rng(0)
    for folder, brighter in (("good", 0), ("bad", 50)):
        (root / folder).mkdir(parents=True)
        for number in range(6 if brighter == 0 else 3):
            pixels = random.integers(100, 130, (20, 20, 3), dtype=np.uint8) + np.uint8(brighter)
            Image.fromarray(pixels).save(root / folder / f"{number}.png")
    pipeline = {
        "backbone": {"class_path": "filter_bank", "init_args": {"scales": 1, "orientations": 2}},
        "reducer": {"class_path": "random_channels", "init_args": {"keep": 4}},
        "density": "gaussian",
        "preprocessing": {"resize": 16, "crop": 16},
    }
    (root / "small.yaml").write_text(yaml.safe_dump({"pipeline": pipeline, "workers": 0}))
    for name, folder in (("model", "good"), ("other", "bad")):
        words = f"fit {root}/small.yaml {_DATA} {root}/{folder} --output {root}/{name}"
        with redirect_stdout(io.StringIO()):
            assert main(words.split()) == 0
    (root / "records").mkdir()
    for name, method in (("a", "spade"), ("b", "padim-rd100")):
        made = made_records.made(method, "bottle", 0, random)
        store.write(made, root / "records").rename(root / "records" / f"{name}.json")
    suite = {
        "name": "small",
        "pipelines": [{"name": "own", "pipeline": pipeline}],
        "datasets": [
            {
                "class_path": "folder",
                "init_args": {"normal": str(root / "good"), "anomalous": str(root / "bad")},
            }
        ],
        "metrics": ["image_auroc"],
    }
    (root / "first.yaml").write_text(yaml.safe_dump(suite | {"seeds": [0]}))
    (root / "suite.yaml").write_text(yaml.safe_dump(suite | {"seeds": [0, 1, 2]}))
