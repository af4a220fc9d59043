"""Every code block of the README and of the docs is executed, page by page, as a reader would."""

import contextlib
import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from padimkit.cli import main

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    *(ROOT / "README.md", ROOT / "benchmarks" / "README.md"),
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("plugins/*/README.md")),
]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """The synthetic data set, drawn once for all pages."""
    from padimkit import Preprocessing, Reader
    from padimkit.datasets.synthetic import Synthetic

    root = tmp_path_factory.mktemp("drawn") / "padimkit-synthetic"
    for category in ("texture", "object"):
        Synthetic(root, category).train(Reader(Preprocessing()))
    return root


@pytest.fixture
def folder(tmp_path, drawn, monkeypatch):
    """Where a reader would be: beside a folder of good images and one of new images."""
    monkeypatch.chdir(tmp_path)
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
        self.variables = {}
        self.output = ""

    def python(self, text):
        if named := re.match(r"# (\w+\.py)\n", text):
            (self.folder / named[1]).write_text(text)
            sys.path.insert(0, str(self.folder))
        captured = io.StringIO()
        with contextlib.redirect_stdout(captured):
            exec(compile(text, "page", "exec"), self.variables)
        self.output = captured.getvalue()

    def yaml(self, text):
        self.toml(text)

    def toml(self, text):
        named = re.match(r"# ([\w-]+\.\w+)\n", text)
        assert named, "the first line of a settings file names it"
        (self.folder / named[1]).write_text(text)
        if named[1] == "pyproject.toml":
            self._install()

    def _install(self):
        site = self.folder / "site"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
        subprocess.run([*pip, "--target", str(site), str(self.folder)], check=True, capture_output=True)
        sys.path.insert(0, str(site))

    def sh(self, text):
        for line in text.splitlines():
            words = shlex.split(line, comments=True)
            if words[0] == "make":
                subprocess.run(["make", "--dry-run", *words[1:]], cwd=ROOT, check=True, capture_output=True)
            elif words[0] == "pip":
                assert words[:2] == ["pip", "install"]
            else:
                assert words[0] == "padimkit"
                self._padimkit(words[1:])

    def _padimkit(self, words):
        captured = io.StringIO()
        with contextlib.redirect_stdout(captured):
            try:
                status = main(words)
            except SystemExit as stopped:
                status = stopped.code
        assert status == 0, words
        self.output = captured.getvalue()

    def text(self, text):
        """Output as shown: the same words, and figures that agree to 0.005; times are not compared."""
        shown, found = _lines(text), _lines(self.output)
        assert [words for words, _ in shown] == [words for words, _ in found]
        for (_, one), (_, other) in zip(shown, found, strict=True):
            assert one == pytest.approx(other, abs=0.005)


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
def test_every_block_runs(page, folder, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    runner = Page(folder)
    for language, text in BLOCK.findall(page.read_text()):
        getattr(runner, language)(text)


def test_links_lead_somewhere():
    for page in [*PAGES, ROOT / "CHANGELOG.md", ROOT / "plugins" / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_recipes_in_the_readme_are_all_there_are():
    table = (ROOT / "README.md").read_text().split("## Recipes")[1].split("\n\n")[1]
    named = {name for row in table.splitlines()[2:] for name in re.findall(r"`([\w-]+)`", row.split("|")[1])}
    files = [*ROOT.glob("padimkit/recipes/*.yaml"), *ROOT.glob("plugins/*/src/*/recipes/*.yaml")]
    assert named == {path.stem for path in files}
