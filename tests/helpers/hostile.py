"""Hostile inputs: model folders, settings, suites, records and images, changed at random, and what they do.

    python tests/helpers/hostile.py --cases 10000 --seed 3

prints counts by kind and outcome, and keeps what ends in a traceback, a hang, a half output or a program.
A kind of its own are writes that fail, or at which the process is killed. A case is fixed by its kind and
number, so that each can be repeated.
"""

import argparse
import io
import json
import math
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import faults
import made_records
import numpy as np
import yaml
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from padimkit import FilterBank, Gaussian, Inspector, Pipeline, Preprocessing, calibrate, save
from padimkit.benchmark import store
from padimkit.benchmark.planning.suite import Suite
from padimkit.config.build import load_recipe
from padimkit.config.commands import EVALUATE
from padimkit.errors import PadimkitError
from padimkit.images.decoding import largest_value, open_image, open_mask
from padimkit.images.pages import pages_of
from padimkit.reducers.random_channels import RandomChannels
from padimkit.report.formats.csv import as_csv
from padimkit.report.formats.latex import as_latex
from padimkit.report.formats.markdown import as_markdown
from padimkit.report.study import read_study
from padimkit.storage import load_history

EXTREMES = (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\x80")
LIMIT = 20  # seconds until a case counts as a hang
WRITES = "writes"  # the kind that changes no input
HARMLESS = ("taken", "refused", "killed")
PROGRAMS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "pty.spawn"}
FORMATS = (
    *("PNG", "JPEG", "TIFF", "BMP", "WEBP", "PPM", "JPEG2000", "GIF", "TGA"),
    *("ICO", "PCX", "SGI", "DDS", "EPS"),
)
STRANGE: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 3, 7, 10**9, 10**30, -(10**30), 1e30, -1e30, 0.5, 1e-300),
    *(float("nan"), float("inf"), "", " ", "a", "pixels", "gaussian", ".x", "a..b", "..", "../../up"),
    *("padimkit:pca", "nothing.there.X", "json.JSONDecoder", "\x1b[31m", "=1+1", "\udcff", "<b>", "1e30"),
    *("ä" * 300, [], {}, [[]], [1, 2, 3], {"a": 1}, {"class_path": "identity"}, {"class_path": ""}),
    *({"class_path": None}, "/nowhere/up"),
)
TEXTS = (
    *("&a [*a]", "&a {b: *a}", "!!set {a, b}", "!!binary aGk=", "!!timestamp 2001-01-01", "2001-01-01"),
    *("!!omap [a: 1]", "[" * 300 + "]" * 300, "{a: " * 300 + "}" * 300, "9" * 5000, "0x1F", "1:30", "~"),
    *("!!python/name:os.system", "*nothing", "? a", "- b", "a: a: a", "\t", "%YAML 9.9", "<<: 3", "'", '"'),
    *("|", ">", "@", "`", "\x00", "..."),
)


@dataclass(frozen=True)
class Case:
    """What became of a hostile input: "taken", "refused", "killed", or else the trace of a failure."""

    kind: str
    number: int
    outcome: str
    detail: str = ""


@dataclass(frozen=True)
class Bench:
    """The sound inputs that are changed, in a folder."""

    root: Path

    @classmethod
    def made(cls, root: Path) -> "Bench":
        random = np.random.default_rng(0)
        good = root / "good"
        for folder, brighter in ((good, 0), (root / "bad", 50)):
            folder.mkdir()
            for number in range(6):
                pixels = random.integers(100, 130, (20, 20, 3), dtype=np.uint8) + brighter
                Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
        pipeline = Pipeline(
            FilterBank(scales=1, orientations=2),
            RandomChannels(keep=4),
            Gaussian(),
            preprocessing=Preprocessing(resize=16, crop=16),
        )
        pipeline.fit(good, progress=False, workers=0)
        save(pipeline, root / "model", calibration=calibrate(pipeline, good, progress=False, workers=0))
        (root / "records").mkdir()
        for name in ("spade", "padim-rd100"):
            store.write(made_records.made(name, "bottle", 0, random), root / "records")
        (root / "images").mkdir()
        for kind in FORMATS:
            _written(root / "images", kind, random.integers(0, 256, (16, 24, 3), dtype=np.uint8))
        return cls(root)

    @property
    def writes(self) -> Path:
        """Return the folder of what commands read whose writes fail, made when it is first asked for."""
        folder = self.root / WRITES
        if not folder.exists():
            faults.prepare(folder)
        return folder

    @property
    def suite(self) -> dict[str, Any]:
        folders = {"normal": str(self.root / "good"), "anomalous": str(self.root / "bad")}
        data = {"class_path": "folder", "init_args": folders}
        pipeline = yaml.safe_load((self.root / "model" / "config.yaml").read_text())["pipeline"]
        return {
            "name": "small",
            "pipelines": [{"name": "own", "pipeline": pipeline, "grid": {"reducer.keep": [3, 4]}}],
            "datasets": [data],
            "metrics": ["image_auroc"],
            "seeds": [0, 1],
            "measure": ["quality"],
            "repeats": 2,
            "timeout": 60,
            "engine": {"backend": "threading", "jobs": 1},
            "batch_size": 4,
        }


def run(kind: str, number: int, bench: Bench, kept: Path | None = None) -> Case:
    """Make the case, run it, and keep its input if it fails."""
    random = np.random.default_rng([[*sorted(KINDS), WRITES].index(kind), number])
    folder = Path(tempfile.mkdtemp(dir=bench.root))
    try:
        if kind == WRITES:
            outcome, detail = faults.tried(bench.writes, folder, random)
        else:
            make, use = KINDS[kind]
            make(bench, folder, random)
            outcome, detail = outcome_of(lambda: use(folder))
        if kept is not None and outcome not in HARMLESS:
            shutil.copytree(folder, kept / f"{kind}-{number}", dirs_exist_ok=True)
        return Case(kind, number, outcome, detail)
    finally:
        shutil.rmtree(folder)


def outcome_of(use: Callable[[], None]) -> tuple[str, str]:
    """Return "taken", "refused", "hang", "program" or "traceback", and where that was."""
    started: list[str] = []
    with _watched(started), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            use()
            found = "taken", ""
        except PadimkitError:
            found = "refused", ""
        except _Hang:
            found = "hang", traceback.format_exc()
        except Exception:  # whatever else a hostile input may raise is what is looked for
            found = "traceback", traceback.format_exc()
    return ("program", started[0]) if started else found


def counted(cases: list[Case]) -> str:
    """Return a table of outcomes by kind."""
    counts = Counter((case.kind, case.outcome) for case in cases)
    outcomes = (*HARMLESS, "half", "traceback", "hang", "program")
    lines = [f"{'':10}" + "".join(f"{outcome:>11}" for outcome in outcomes)]
    for kind in SHARES:
        lines.append(f"{kind:10}" + "".join(f"{counts[kind, outcome]:11}" for outcome in outcomes))
    return "\n".join(lines)


def _make_model(bench: Bench, folder: Path, random: np.random.Generator) -> None:
    model = shutil.copytree(bench.root / "model", folder / "model")
    names = ("config.yaml", "state.safetensors", "manifest.json", "calibration.json", "training.csv")
    for _ in range(int(random.integers(1, 3))):
        name = str(random.choice(names, p=(0.3, 0.35, 0.15, 0.1, 0.1)))
        _change(model / name, random)
    _mend(model)


def _use_model(folder: Path) -> None:
    load_history(folder / "model")
    pixels = np.random.default_rng(1).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    Inspector(folder / "model", workers=0)(Image.fromarray(pixels))


def _make_settings(bench: Bench, folder: Path, random: np.random.Generator) -> None:
    shutil.copy(bench.root / "model" / "config.yaml", folder / "settings.yaml")
    _change(folder / "settings.yaml", random)


def _use_settings(folder: Path) -> None:
    with suppress(PadimkitError):  # as most do
        EVALUATE.file(folder / "settings.yaml", trust=False)
    EVALUATE.file(folder / "settings.yaml", trust=True)
    load_recipe(folder / "settings.yaml", trust=True)


def _make_suite(bench: Bench, folder: Path, random: np.random.Generator) -> None:
    (folder / "suite.yaml").write_text(yaml.safe_dump(bench.suite))
    _change(folder / "suite.yaml", random)


def _use_suite(folder: Path) -> None:
    Suite.read(folder / "suite.yaml", trust=True)


def _make_records(bench: Bench, folder: Path, random: np.random.Generator) -> None:
    shutil.copytree(bench.root / "records", folder / "records")
    for path in sorted((folder / "records").iterdir())[:1]:
        for _ in range(int(random.integers(1, 3))):
            _change(path, random)


def _use_records(folder: Path) -> None:
    study = read_study([folder / "records"])
    for form in (as_markdown, as_csv, as_latex):
        (folder / "report").write_text(form(study), encoding="utf-8")
    if len(list(folder.iterdir())) != 2:
        raise AssertionError("something else was written")


def _make_image(bench: Bench, folder: Path, random: np.random.Generator) -> None:
    paths = sorted((bench.root / "images").iterdir())
    path = paths[int(random.integers(len(paths)))]
    suffix = path.suffix if random.random() < 0.5 else ".tiff" if random.random() < 0.5 else ".png"
    (folder / f"image{suffix}").write_bytes(_bytes(path.read_bytes(), random))


def _use_image(folder: Path) -> None:
    errors: list[PadimkitError] = []
    for file in folder.iterdir():
        for page in pages_of(file)[:5]:
            for use in (open_image, open_mask, largest_value):
                try:
                    use(page)
                except PadimkitError as error:
                    errors.append(error)
    if errors:
        raise errors[0]


KINDS: dict[str, tuple[Callable[[Bench, Path, np.random.Generator], None], Callable[[Path], None]]] = {
    "models": (_make_model, _use_model),
    "settings": (_make_settings, _use_settings),
    "suites": (_make_suite, _use_suite),
    "records": (_make_records, _use_records),
    "images": (_make_image, _use_image),
}
SHARES = {"models": 0.2, "settings": 0.2, "suites": 0.1, "records": 0.15, "images": 0.33, WRITES: 0.02}


def cases(count: int, first: int) -> Iterator[tuple[str, int]]:
    """Yield kinds and numbers of this many cases."""
    for kind, share in SHARES.items():
        yield from ((kind, first + number) for number in range(round(count * share)))


def _change(path: Path, random: np.random.Generator) -> None:
    try:
        _change_content(path, random)
    except (ValueError, TypeError, KeyError, RecursionError, yaml.YAMLError, SafetensorError):
        path.write_bytes(_bytes(path.read_bytes(), random))  # an earlier change has broken it


def _change_content(path: Path, random: np.random.Generator) -> None:
    if path.suffix == ".safetensors":
        _change_state(path, random)
    elif path.suffix == ".csv" or random.random() < 0.2:
        path.write_bytes(_bytes(path.read_bytes(), random))
    elif path.suffix == ".json":
        tree = json.loads(path.read_text())
        path.write_text(_nested(json.dumps(_changed_tree(tree, random)), random))
    elif random.random() < 0.4:
        path.write_text(_inserted(path.read_text(), random))
    else:
        tree = _changed_tree(yaml.safe_load(path.read_text()), random)
        path.write_bytes(yaml.safe_dump(tree, allow_unicode=False).encode("utf-8", "replace"))


def _change_state(path: Path, random: np.random.Generator) -> None:
    state = load_file(path)
    name = sorted(state)[int(random.integers(len(state)))]
    tensor = state[name]
    flat = tensor.flatten()
    change = int(random.integers(10))
    if change == 0:
        del state[name]
    elif change == 1:
        state[f"{name}{random.choice(['x', '/y', ''])}"] = state.pop(name)
        state["more"] = flat.clone()
    elif change == 2:
        state[name] = tensor.double() if tensor.is_floating_point() else tensor.float()
    elif change == 3:
        state[name] = tensor.long() if tensor.is_floating_point() else tensor.bool()
    elif change == 4:
        state[name] = tensor[None].clone()
    elif change == 5:
        state[name] = flat[: max(0, flat.numel() - 1)].clone()
    elif change == 6 and tensor.is_floating_point():
        state[name] = tensor * float(random.choice([math.nan, math.inf, -1, 1e30, 0]))
    elif change == 7:
        state[name] = flat.repeat(3)
    elif change == 8 and not tensor.is_floating_point():
        state[name] = tensor + int(random.choice([1, -1, 10**6, 2**40, -(2**40)]))
    else:
        other = sorted(state)[int(random.integers(len(state)))]
        state[name], state[other] = state[other].clone(), state[name].clone()
    save_file({key: value.contiguous() for key, value in state.items()}, path)


def _mend(model: Path) -> None:
    """Write the checksums of the changed files into the manifest, if it still has any."""
    try:
        manifest = json.loads((model / "manifest.json").read_text())
        for name in manifest["sha256"]:
            manifest["sha256"][name] = sha256((model / name).read_bytes()).hexdigest()
    except (ValueError, KeyError, TypeError, OSError, RecursionError):
        return
    (model / "manifest.json").write_text(json.dumps(manifest))


def _changed_tree(tree: Any, random: np.random.Generator) -> Any:
    """Return the tree with one value, or one key, changed."""
    places = list(_places(tree))
    holder, key = places[int(random.integers(len(places)))]
    strange = STRANGE[int(random.integers(len(STRANGE)))]
    change = int(random.integers(6))
    if change == 0:
        del holder[key]
    elif change == 1 and isinstance(holder, dict):
        holder[f"{key}{random.choice(['s', '.', '', ' '])}"] = holder.pop(key)
    elif change == 2:
        other, place = places[int(random.integers(len(places)))]
        holder[key] = json.loads(json.dumps(other[place])) if place in _keys(other) else strange
    else:
        holder[key] = strange
    return tree


def _keys(holder: Any) -> Any:
    return holder if isinstance(holder, dict) else range(len(holder))


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    for key in _keys(tree):
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from _places(tree[key])


def _nested(text: str, random: np.random.Generator) -> str:
    if random.random() < 0.9:
        return text
    levels = int(random.choice([90, 120, 2000, 100_000]))
    place = text.find(":", int(random.integers(len(text)))) + 1
    return text[:place] + "[" * levels + "]" * levels + "," + '"x":' + text[place:]


def _inserted(text: str, random: np.random.Generator) -> str:
    lines = text.splitlines()
    place = int(random.integers(len(lines)))
    strange = TEXTS[int(random.integers(len(TEXTS)))]
    key, colon, _ = lines[place].partition(":")
    lines[place] = f"{key}{colon} {strange}" if random.random() < 0.7 else strange
    return "\n".join(lines)


def _bytes(content: bytes, random: np.random.Generator) -> bytes:
    """Return the content with a few bytes changed, cut off, doubled or put in."""
    changed = bytearray(content)
    for _ in range(int(random.integers(1, 5))):
        place = int(random.integers(min(len(changed), 200 if random.random() < 0.6 else len(changed)) or 1))
        change = int(random.integers(6))
        if change == 0:
            changed = changed[:place]
        elif change == 1:
            changed[place:place] = random.bytes(int(random.integers(1, 9)))
        elif change == 2:
            changed[place : place + 4] = EXTREMES[int(random.integers(len(EXTREMES)))]
        elif change == 3:
            del changed[place : place + int(random.integers(1, 9))]
        elif change == 4:
            changed += changed[place : place + 64]
        else:
            changed[place : place + 1] = random.bytes(1)
    return bytes(changed)


def _written(folder: Path, kind: str, pixels: np.ndarray) -> None:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, kind)
    (folder / f"{kind}.{kind.lower()}").write_bytes(content.getvalue())
    if kind == "TIFF":
        for compression in ("tiff_lzw", "tiff_deflate", "jpeg", "packbits"):
            Image.fromarray(pixels).save(folder / f"{compression}.tiff", compression=compression)
        pages = [Image.fromarray(pixels)] * 2
        pages[0].save(folder / "pages.tiff", save_all=True, append_images=pages)
        Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(folder / "deep.tiff")
    if kind == "PNG":
        Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(folder / "deep.png")
        Image.fromarray(pixels).convert("P").save(folder / "palette.png")


class _Hang(BaseException):
    """Raised where a case takes too long; no `except Exception` takes it for an error of its own."""


_STARTED: list[list[str]] = []
_HOOKED: list[bool] = []


def _audit(event: str, _: object) -> None:
    if _STARTED and event in PROGRAMS:
        _STARTED[-1].append(event)


@contextmanager
def _watched(started: list[str]) -> Iterator[None]:
    """Raise _Hang in what takes too long, and note each program that is started."""
    if not _HOOKED:
        sys.addaudithook(_audit)
        _HOOKED.append(True)

    def stop(*_: object) -> None:
        raise _Hang

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT)
    _STARTED.append(started)
    try:
        yield
    finally:
        _STARTED.pop()
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def main() -> int:
    """Run the cases that the command line asks for; return 1 if one fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="the first number of each kind")
    parser.add_argument("--only", choices=sorted(SHARES), help="one kind")
    parser.add_argument("--kept", type=Path, default=Path("fuzz-found"), help="for inputs that fail")
    given = parser.parse_args()
    begun, done = time.monotonic(), []
    with tempfile.TemporaryDirectory() as root:
        bench = Bench.made(Path(root))
        for kind, number in cases(given.cases, given.seed):
            if given.only in (None, kind):
                case = run(kind, number, bench, given.kept)
                done.append(case)
                if case.outcome not in HARMLESS:
                    print(f"{kind} {number}: {case.outcome}\n{case.detail}", flush=True)
    print(f"{len(done)} cases in {time.monotonic() - begun:.0f} s\n{counted(done)}")
    return int(any(case.outcome not in HARMLESS for case in done))


if __name__ == "__main__":
    raise SystemExit(main())
