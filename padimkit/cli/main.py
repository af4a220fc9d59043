"""The command line, which finds the command, runs it, and turns errors into one message.

It imports no command before it is called, since most take a second to import.
"""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path

from padimkit.cli.notes import notes_shown
from padimkit.errors import PadimkitError
from padimkit.files.foreign_text import printable
from padimkit.registry.blame import blamed
from padimkit.registry.modules import collector_at_rest

COMMANDS = {
    "fit": "learn from normal images and store the model",
    "predict": "score images with a stored model: scores, maps, overlays",
    "inspect": "give verdicts on images with a stored model: OK, REVIEW or NG",
    "serve": "answer requests over HTTP with verdicts, and show a page to drop images on",
    "export": "write a stored model for ONNX Runtime, OpenVINO or libtorch",
    "drift": "tell a changed camera or light from defects, by results of inspect",
    "calibrate": "set the thresholds of a stored model by normal images",
    "assess": "show how good the verdicts of a stored model are, on a page",
    "update": "let a stored model learn more normal images",
    "merge": "make one model of two that have learnt other images",
    "info": "show what a stored model is, and what it has learnt",
    "evaluate": "fit, test and compute metrics",
    "benchmark": "run a suite of comparisons, each in a process of its own",
    "search": "search values of a pipeline by a metric on held-out test images",
    "report": "make a page, a site, or tables, of the records of a benchmark",
    "records": "check, merge and describe the records of benchmarks",
    "clean": "remove what killed runs have left behind, and finish what they were replacing",
    "plugins": "list, explain, check and start plugins",
    "demo": "fit and test on synthetic images; needs no download",
}

_CACHE = "TORCHINDUCTOR_CACHE_DIR"

_USAGE = """usage: padimkit COMMAND [ARGUMENTS] [--debug]

Unsupervised anomaly detection and localization in images.

commands:
{commands}

padimkit COMMAND --help explains a command; --debug shows the traceback of an error.
"""


def main(argv: list[str] | None = None) -> int:
    """Run one command; return its status, or that of an error that was explained on standard error."""
    words = list(sys.argv[1:] if argv is None else argv)
    _print_any_file_name()
    # Before torch is loaded: threads that spin while they wait cost 4 to 18 times as much on shared cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)  # a job that is stopped cleans up as after Ctrl-C
    if not words or words[0] in ("-h", "--help"):
        sys.stdout.write(_usage())
        return 0
    if words[0] == "--version":
        print(f"padimkit {version('padimkit')}")
        return 0
    if words[0] not in COMMANDS:
        sys.stderr.write(f'padimkit: error: There is no command "{words[0]}".\n\n{_usage()}')
        return 2
    with _no_empty_cache(), notes_shown(words[0]):
        return _run(words[0], words[1:], debug=debug)


def _run(command: str, words: list[str], *, debug: bool) -> int:
    try:
        with collector_at_rest():
            module = import_module(f"padimkit.cli.{command}")
        status = module.run(words) or 0  # most return nothing
        sys.stdout.flush()
    except KeyboardInterrupt as stopped:
        sys.stderr.write(f"padimkit {command}: interrupted; {str(stopped) or 'nothing was written'}.\n")
        return 130
    except BrokenPipeError:  # the reader of our output, such as "head", has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        text = _explained(error)
        if not text:
            raise
        if debug:
            traceback.print_exc()
        sys.stderr.write(f"padimkit {command}: error: {printable(text)}\n")
        return error.exit_status if isinstance(error, PadimkitError) else 2
    return int(status)


def _explained(error: Exception) -> str:
    """Return what went wrong, for people; empty for a mistake of our own."""
    if isinstance(error, PadimkitError):
        return str(error) or type(error).__name__
    if text := blamed(error):
        return f"{text} --debug shows the traceback; tell the author of the plugin."
    return (str(error) or type(error).__name__) if isinstance(error, OSError | MemoryError) else ""


@contextmanager
def _no_empty_cache() -> Iterator[None]:
    """Remove the folder that torch makes in $TMPDIR for compiled code as soon as torchvision is imported.

    It stays where something was compiled, or where the user has said where it should be.
    """
    chosen = _CACHE in os.environ
    try:
        yield
    finally:
        if not chosen and _CACHE in os.environ:  # torch has put its path there
            with suppress(OSError):  # it is not empty
                Path(os.environ[_CACHE]).rmdir()


def _print_any_file_name() -> None:
    """Escape what a terminal cannot show, such as file names that are not UTF-8; else printing them fails."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _usage() -> str:
    return _USAGE.format(commands="\n".join(f"  {name:10}{text}" for name, text in COMMANDS.items()))
