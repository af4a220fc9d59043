"""`padimkit search`: values of a pipeline, tried one after another by a metric on held-out test images.

A command of its own: `main` imports it by name when it is called.
"""

from pathlib import Path

import yaml
from jsonargparse import ArgumentParser

from padimkit.benchmark.planning.suite_file import SuiteFile
from padimkit.benchmark.running.engine import require_engine
from padimkit.benchmark.search import Trial, best, search
from padimkit.config.commands import add_trust
from padimkit.config.parser import new_parser, parse_words
from padimkit.errors import BadConfig, FailedCells
from padimkit.files.foreign_text import printable


def run(words: list[str]) -> None:
    """Run the trials, print each, and the best one as settings.

    Raises:
        BadConfig: The file is wrong.
        FailedCells: No trial has a result.
    """
    given = parse_words(_parser(), words)
    file = SuiteFile.read(given.suite)
    require_engine(file.engine)
    output = given.output or Path("records") / file.name
    trials: list[Trial] = []
    try:
        for trial in search(file, output, trust=given.trust, retry_failed=given.retry_failed):
            trials.append(trial)
            print(printable(f"[{len(trials)}] {_said(trial)}"), flush=True)
    except BadConfig as error:
        raise BadConfig(f'"{given.suite}": {error}') from error
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"records are in {output}, and the same command goes on from there") from None
    found = best(trials)
    if found is None:
        raise FailedCells(
            f"None of {len(trials)} trials has a result; their records are in {output}. Try failed cells "
            "again by --retry-failed."
        )
    print(f"Best of {len(trials)}: {found.result:.4f}. For a suite, which reports about the other images:")
    settings = yaml.safe_dump({"set": dict(found.values)}, sort_keys=False)
    print(printable(settings.rstrip()))


def _parser() -> ArgumentParser:
    parser = new_parser("search", description=__doc__)
    parser.add_argument("suite", type=Path, help='YAML file of a suite with "search".')
    parser.add_argument("--output", type=Path | None, help="Folder of records; by default records/<suite>.")
    parser.add_argument("--retry-failed", action="store_true", help="Run failed cells of trials again.")
    add_trust(parser)
    return parser


def _said(trial: Trial) -> str:
    values = ", ".join(f"{key} {value}" for key, value in trial.values.items())
    return f"{values}: {trial.reason if trial.result is None else f'{trial.result:.4f}'}"
