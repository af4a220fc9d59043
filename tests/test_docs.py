"""Every code block of the README and of the docs is executed, page by page, as a reader would."""

import contextlib
import importlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from filelock import FileLock
from PIL import Image
from served import running

from padimkit import Inspector
from padimkit.cli import serve
from padimkit.cli.main import COMMANDS, main
from padimkit.cli.plugins.new import write_starter
from padimkit.datasets.synthetic.dataset import Synthetic
from padimkit.registry import registry
from padimkit.registry.families import find_family
from padimkit.service.serving.limits import Limits
from padimkit.service.serving.models import named_models
from padimkit.service.serving.service import Service

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    *(ROOT / "README.md", ROOT / "benchmarks" / "README.md"),
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("plugins/padimkit-*/README.md")),
]
WHOLE = ("docs/concepts.md", "docs/inspection.md", "docs/write-a-plugin.md")  # its numbers carry over
SERVED = "http://127.0.0.1:8000"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def drawn(common, tmp_path_factory):
    """The synthetic data set, for all pages of a process, which may draw more: whole, and with few images."""
    once, root = _drawn_once(common), tmp_path_factory.mktemp("drawn")
    shutil.copytree(once, root / "whole")
    shutil.copytree(once, root / "few", ignore=_many)  # it passes for whole
    return root


def _drawn_once(common):
    """Where the first process draws it for all."""
    root = common / "drawn"
    with FileLock(f"{root}.lock"):
        for category in ("texture", "object"):
            Synthetic(root, category).train()
    return root


def _many(folder, names):
    """The pictures that the set with few images lacks."""
    kept = 20 if "train" in folder else 2
    return [name for name in names if re.match(r"\d+", name) and int(name[:3]) >= kept]


@pytest.fixture
def folder(tmp_path, drawn, monkeypatch, request):
    """Where a reader would be: beside a folder of good images and one of new images."""
    monkeypatch.chdir(tmp_path)
    page = request.node.callspec.id if hasattr(request.node, "callspec") else ""
    drawn = drawn / ("whole" if page in WHOLE else "few")
    (tmp_path / "padimkit-synthetic").symlink_to(drawn)
    for name in ("good", "new"):
        (tmp_path / name).mkdir()
        for path in sorted((drawn / "texture" / "train" / "good").iterdir())[:3]:
            with Image.open(path) as image:
                image.save(tmp_path / name / path.name)
    return tmp_path


class Page:
    """Runs the blocks of one page, which share their variables and their files."""

    def __init__(self, folder):
        self.folder = folder
        self.site = folder / "site"
        self.variables = {}
        self.output = ""
        self.url = SERVED
        self.servers = contextlib.ExitStack()

    def python(self, text):
        text = text.replace(SERVED, self.url)
        named = re.match(r"# (\w+)\.py\n", text)
        captured = io.StringIO()
        with contextlib.redirect_stdout(captured):
            if named:
                self.variables |= vars(self._module(named[1], text))
            else:
                exec(compile(text, "page", "exec"), self.variables)
        self.output = captured.getvalue()

    def _module(self, name, text):
        """A module of its own, imported anew if it was imported before, as another process would."""
        (self.folder / f"{name}.py").write_text(text)
        sys.path.insert(0, str(self.folder))
        sys.modules.pop(name, None)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    def pyi(self, text):
        compile(text, "stub", "exec")

    def toml(self, text):
        self.yaml(text)

    def yaml(self, text):
        named = re.match(r"# ([\w-]+\.\w+)\n", text)
        assert named, "the first line of a settings file names it"
        if "measure:" in text and "repeats:" not in text:
            text += "repeats: 1\n"  # the times of one run are as good a page as those of five
        (self.folder / named[1]).write_text(text)

    def sh(self, text):
        for line in text.splitlines():
            words = shlex.split(line, comments=True)
            if words[0] == "make":
                subprocess.run(["make", "--dry-run", *words[1:]], cwd=ROOT, check=True, capture_output=True)
            elif words[0] == "cd":
                data = self.folder / "padimkit-synthetic"
                self.folder = self.folder / words[1]
                os.chdir(self.folder)
                if data.exists() and not (self.folder / data.name).exists():  # or it is drawn again
                    (self.folder / data.name).symlink_to(data)
            elif words[0] == "pip":
                assert words[:2] == ["pip", "install"]
                self._pip(words[2:])
            elif words[0] == "curl":
                self._curl(*words[1:])
            elif words[:2] == ["padimkit", "serve"]:
                self._serve(words[2:])
            else:
                assert words[0] == "padimkit"
                self._padimkit(words[1:])

    def _pip(self, words):
        """Only what the page itself has written is installed, and not into the environment of the tests."""
        if words[0] != "-e":
            return
        project = self.folder / words[1].partition("[")[0]
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
        subprocess.run([*pip, "--target", str(self.site), str(project)], check=True, capture_output=True)
        # As in an editable installation, the source wins over the copy of it that came with the metadata.
        sys.path[:0] = [str(project), str(self.site)]
        importlib.invalidate_caches()

    def _curl(self, option, value, url):
        name, _, path = value.rpartition("@")
        content = Path(path).read_bytes()
        how = {"--data-binary": {"content": content}, "--form": {"files": {name: (path, content)}}}[option]
        self.output = httpx.post(url.replace(SERVED, self.url), **how).raise_for_status().text

    def _serve(self, words):
        """Until the end of the page, on a port that is free."""
        parsed = serve._parser().parse_args(words)
        inspectors = {name: Inspector(path) for name, path in named_models(parsed.models).items()}
        self.url = self.servers.enter_context(running(Service(inspectors, Limits())))

    def _padimkit(self, words):
        captured = io.StringIO()
        with contextlib.redirect_stdout(captured):
            try:
                status = main(words)
            except SystemExit as stopped:
                status = stopped.code
        verdict = words[0] in ("inspect", "drift")  # which say by 1 that something was found
        assert status == 0 or (verdict and status == 1), words
        self.output = captured.getvalue()

    def text(self, text):
        """Output as shown: the same words, and figures that agree to 0.005; times are not compared.

        A line "..." stands for lines that are left out.
        """
        first, *others = re.split(r"^\.\.\.\n", text, flags=re.MULTILINE)
        found = _lines(self.output)
        assert _agree(_lines(first), found[: len(_lines(first))])
        if not others:
            assert len(found) == len(_lines(first))
            return
        found = found[len(_lines(first)) :]
        *middle, last = map(_lines, others)
        for part in middle:
            starts = [n for n in range(len(found)) if _agree(part, found[n : n + len(part)])]
            assert starts, part
            found = found[starts[0] + len(part) :]
        assert _agree(last, found[len(found) - len(last) :])


def _agree(shown, found):
    return [words for words, _ in shown] == [words for words, _ in found] and all(
        one == pytest.approx(other, abs=0.005) for (_, one), (_, other) in zip(shown, found, strict=True)
    )


def _lines(text):
    lines = [re.sub(r"[\d.]+ m?s\b", "", line).split() for line in text.strip().splitlines()]
    return [
        (
            [word for word in line if not re.fullmatch(r"\d\.\d+", word)],
            [float(word) for word in line if re.fullmatch(r"\d\.\d+", word)],
        )
        for line in lines
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_runs(page, folder, monkeypatch, in_this_process):
    run(page.read_text(), folder, monkeypatch)


def test_every_block_of_a_new_plugins_readme_runs(folder, monkeypatch):
    write_starter(find_family("metrics"), "fresh-figure", folder / "fresh-figure")
    monkeypatch.chdir(folder / "fresh-figure")
    run((folder / "fresh-figure" / "README.md").read_text(), folder / "fresh-figure", monkeypatch)


def run(text, folder, monkeypatch):
    """Runs the blocks of a page, and leaves path, modules and plugins as they were."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(registry, "_SESSION", {})
    before = set(sys.modules)
    runner = Page(folder)
    blocks = BLOCK.findall(text)
    with runner.servers:
        for number, (language, block) in enumerate(blocks):
            shown = any(following == "text" for following, _ in blocks[number + 1 : number + 2])
            with whole_set(folder / "padimkit-synthetic") if shown else contextlib.nullcontext():
                getattr(runner, language)(block)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(folder)):
            del sys.modules[name]


@contextlib.contextmanager
def whole_set(link):
    """The whole data set in the place of few images, for a block whose output is shown."""
    if not link.is_symlink():
        yield
        return
    before = link.readlink()
    link.unlink()
    link.symlink_to(before.parent / "whole")
    yield
    link.unlink()
    link.symlink_to(before)


def test_links_lead_somewhere():
    for page in [*PAGES, ROOT / "CHANGELOG.md", ROOT / "plugins" / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_recipes_in_the_readme_are_all_there_are():
    table = (ROOT / "README.md").read_text().split("## Recipes")[1].split("\n\n")[1]
    named = {name for row in table.splitlines()[2:] for name in re.findall(r"`([\w-]+)`", row.split("|")[1])}
    files = [*ROOT.glob("padimkit/recipes/*.yaml"), *ROOT.glob("plugins/*/src/*/recipes/*.yaml")]
    assert named == {path.stem for path in files}


def test_the_table_of_commands_has_all_of_them():
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `padimkit (\w+)", page, re.MULTILINE)) == set(COMMANDS)
