"""Other systems than Linux: what they lack is not used unguarded, and text is UTF-8 on each of them."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import padimkit
from padimkit.storage import model

ROOT = Path(padimkit.__file__).parent
SOURCES = [*sorted(ROOT.rglob("*.py")), *sorted(ROOT.parent.glob("plugins/padimkit-*/src/**/*.py"))]
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}
LINUX_MODULES = {"fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"}
# Where each is behind a guard: `hasattr`, or a test of `sys.platform`. Nothing is forked where `os` cannot.
GUARDED = {
    ("memory/allocation.py", "os.posix_fallocate"),
    ("files/locks.py", "os.geteuid"),
    ("files/replacement.py", "os.geteuid"),
    ("benchmark/running/worker.py", "signal.SIGKILL"),
    ("benchmark/running/process.py", "os.sysconf"),  # a limit of memory is refused without /proc
    ("benchmark/running/environment.py", "os.sysconf"),
    ("benchmark/running/forked.py", "signal.SIGKILL"),
    *(("benchmark/running/fork_server.py", name) for name in ("os.fork", "os.waitpid", "signal.SIGKILL")),
    ("benchmark/running/fork_server.py", "os.waitstatus_to_exitcode"),
}
LINUX_NAMES = re.compile(
    r"os\.(fork|getuid|geteuid|getgid|getpgid|killpg|mkfifo|nice|posix_\w+|pread|pwrite|sched_\w+|setsid"
    r"|statvfs|sysconf|uname|wait\w+)|signal\.(SIGKILL|SIGHUP|SIGUSR\d|SIGALRM|SIGPIPE|alarm|pause|setitimer)"
    r"|socket\.AF_UNIX|time\.(tzset|clock_gettime)"
)


def _short(path):
    return path.relative_to(ROOT if ROOT in path.parents else ROOT.parent).as_posix()


def _text_without_encoding(tree):
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or any(word.arg == "encoding" for word in node.keywords):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in ("read_text", "write_text") or (name == "open" and _is_text(node)):
            yield node.lineno


def _is_text(call):
    """Return whether a call of `open` is one of text: the built-in, or of a path with a mode or with none."""
    modes = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    modes = [mode for mode in modes if re.fullmatch(r"[rwaxbt+]+", mode)]
    if isinstance(call.func, ast.Name) or modes:
        return not any("b" in mode for mode in modes)
    return not call.args and not call.keywords


def test_text_is_read_and_written_as_utf_8():
    wrong = [
        f"{_short(path)}:{line}" for path, tree in TREES.items() for line in _text_without_encoding(tree)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "source",
    ["open(p)", 'open(p, "w")', 'p.open("a")', "p.open()", "p.read_text()", 'p.write_text("", errors="x")'],
)
def test_text_without_an_encoding_is_found(source):
    assert list(_text_without_encoding(ast.parse(source))) == [1]


@pytest.mark.parametrize(
    "source",
    ['open(p, "rb")', 'p.open("r+b", buffering=0)', "Image.open(p)", 'p.open("w", encoding="utf-8")'],
)
def test_bytes_and_pictures_need_no_encoding(source):
    assert list(_text_without_encoding(ast.parse(source))) == []


def test_modules_of_linux_are_not_imported_with_ours():
    wrong = [
        f"{_short(path)}: {name}"
        for path, tree in TREES.items()
        for node in tree.body
        for name in _imported(node)
        if name in LINUX_MODULES
    ]
    assert wrong == []


def _imported(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) else []


# Windows neither removes nor replaces a file that is mapped: each of these is ours alone, or behind a guard.
MAPPED = {
    ("memory/allocation.py", "np.memmap"),  # of a file without a name
    ("datasets/shanghaitech/frames.py", "open_memmap"),  # of data that we never write
    ("storage/model.py", "load_file"),  # the test below
    ("files/checkpoint.py", "safe_open"),  # closed before anything else
    ("backbones/_weights.py", "safe_open"),  # of weights that we never write, closed before anything else
    ("plugins/padimkit-cavga/src/padimkit_cavga/weights.py", "load_file"),  # of weights that we never write
}


def test_files_are_mapped_only_where_nobody_replaces_them():
    found = {
        (_short(path), ast.unparse(node.func))
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] in ("memmap", "open_memmap", "load_file", "safe_open")
    }
    assert found == MAPPED


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells which files are mapped")
def test_a_model_can_be_replaced_by_the_process_that_has_loaded_it(tmp_path, random, monkeypatch):
    images = random.integers(0, 256, (4, 12, 12, 3), dtype=np.uint8)
    parts = padimkit.Pixels(), padimkit.Identity(), padimkit.Gaussian()
    fitted = padimkit.Pipeline(*parts, preprocessing=padimkit.Preprocessing(None, None)).fit(
        images, progress=False
    )
    padimkit.save(fitted, tmp_path / "model")
    monkeypatch.setattr(model, "_MAPS", False)
    loaded = padimkit.load(tmp_path / "model")
    assert str(tmp_path) not in Path("/proc/self/maps").read_text(encoding="utf-8")
    scores = [one.predict(images, progress=False).image_scores for one in (fitted, loaded)]
    assert torch.equal(*scores)


def test_what_only_linux_has_is_behind_a_guard():
    found = {
        (_short(path), ast.unparse(node))
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and LINUX_NAMES.fullmatch(ast.unparse(node))
    }
    assert found == GUARDED
