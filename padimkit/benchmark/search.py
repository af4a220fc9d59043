"""A search of values of a pipeline, by a metric on test images that are held out from those of the report.

It stands apart from the runner: a suite knows all of its cells before the first one runs, a search does not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from padimkit.arguments import require_whole
from padimkit.benchmark.planning.suite import Suite
from padimkit.benchmark.planning.suite_file import SearchArguments, SuiteFile
from padimkit.benchmark.record import FALSE_ALARMS, MISSES, Record
from padimkit.benchmark.running.runner import only_runner, remaining, rename_records, run_suite
from padimkit.benchmark.store import Plan, read
from padimkit.config.build import instantiate
from padimkit.config.names import labels
from padimkit.errors import BadArgument, BadConfig
from padimkit.evaluation import directions_of

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

_MOST_TRIALS = 10**6
_DIGITS = 6  # of values between two limits: they stand in names, which are to tell them


@dataclass(frozen=True)
class Trial:
    """Values that were tried.

    Args:
        values: By key below `pipeline`.
        result: The mean of the metric over all cells; None where one has failed, or has no value.
        reason: Why there is none.
        goodness: The result, negated where lower is better.
    """

    values: Mapping[str, Any]
    result: float | None
    reason: str = ""
    goodness: float = 0.0


def search(
    file: SuiteFile, folder: Path, *, trust: bool = False, retry_failed: bool = False
) -> Iterator[Trial]:
    """Run trial after trial, each a suite whose records go to the folder, and yield what came of them.

    The same file makes the same trials: cells that have a record are not run again, so that a search which
    was interrupted goes on; failed ones are, where it is asked for.

    Raises:
        BadArgument: Optuna is not installed, or the values cannot be searched.
        BadConfig: The file does not tell what to search, or sees the images that are reported.
    """
    asked = _require_searchable(file)
    try:
        import optuna  # no other command needs it
    except ImportError as error:
        raise BadArgument("A search needs Optuna. Install it with: pip install 'padimkit[search]'") from error
    distributions = {key: _distribution(key, value) for key, value in asked.values.items()}
    sampler = optuna.samplers.TPESampler(seed=asked.seed)
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it tells of each study, whoever asked for it
    study = optuna.create_study(direction="maximize", sampler=sampler)
    optuna.logging.set_verbosity(verbosity)
    titles: dict[str, str] = {}
    for _ in range(asked.trials):
        trial = study.ask(distributions)
        values = {key: _chosen(asked.values[key], found) for key, found in trial.params.items()}
        suite = Suite.of(_with(file, values), trust=trust)
        _require_metric(suite, asked.metric)
        titles |= {one.key: one.cell.title for one in suite.planned}
        records = _records(suite, folder, titles, retry_failed=retry_failed)
        outcome = _outcome(records, values, asked.metric)
        if outcome.result is None:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            study.tell(trial, outcome.goodness)
        yield outcome


def best(trials: list[Trial]) -> Trial | None:
    """Return the best trial, the first of several; None if none has a result."""
    known = [trial for trial in trials if trial.result is not None]
    return max(known, key=lambda trial: trial.goodness, default=None)


def _require_searchable(file: SuiteFile) -> SearchArguments:
    if file.search is None:
        raise BadConfig('The suite has no "search": give it "metric" and "values".')
    if len(file.pipelines) != 1 or file.pipelines[0].grid or file.pipelines[0].vary or file.vary:
        raise BadConfig('A search is of one pipeline, without "grid" and "vary".')
    if file.embeddings is not None or "quality" not in file.measure:
        raise BadConfig('A search is by a metric: it needs "datasets", and "quality" under "measure".')
    require_whole("search.trials", file.search.trials, 1, _MOST_TRIALS)
    require_whole("search.seed", file.search.seed, 0, 2**32 - 1)
    if not file.search.values:
        raise BadConfig('"search.values" is empty: give a list, or "low" and "high", by key of the pipeline.')
    for number, data in enumerate(file.datasets):
        if data.part != "search":
            raise BadConfig(
                f'"datasets[{number}]" needs "part: search". A search is told how good it is by the test '
                'images that it sees; a suite with "part: report" then reports about the others.'
            )
    return file.search


def _distribution(key: str, value: Any) -> "BaseDistribution":
    """Return the distribution of a key: of the places in a list of values, or from `low` to `high`."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(value, list) and value:
        return CategoricalDistribution(range(len(value)))  # which may be parts with their arguments
    limits = dict(value) if isinstance(value, Mapping) else {}
    numbers = [limits.get(name) for name in ("low", "high")]
    if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in numbers):
        raise BadArgument(f'"search.values.{key}" is {value!r}; expected a list, or "low" and "high".')
    whole = all(isinstance(one, int) for one in (*numbers, limits.get("step", 1)))
    try:
        return IntDistribution(**limits) if whole else FloatDistribution(**limits)
    except (TypeError, ValueError) as error:
        raise BadArgument(f'"search.values.{key}" is {value!r}: {error}') from error


def _chosen(given: Any, found: Any) -> Any:
    """Return the value that a sampler has found: at a place in a list, or a number, rounded."""
    if isinstance(given, list):
        return given[found]
    return float(f"{found:.{_DIGITS}g}") if isinstance(found, float) else found


def _with(file: SuiteFile, values: Mapping[str, Any]) -> SuiteFile:
    """Return a suite of the pipeline with these values, which its name tells, as that of a grid of one."""
    grid = {key: [value] for key, value in values.items()}
    return replace(file, search=None, pipelines=[replace(file.pipelines[0], grid=grid)])


def _require_metric(suite: Suite, metric: str) -> None:
    cell = suite.planned[0].cell
    metrics = zip(labels(cell.settings["metrics"]), instantiate(cell.settings).metrics, strict=True)
    measured = [name for label, one in metrics for name in directions_of(label, one)]
    measured += [FALSE_ALARMS, MISSES] if cell.calibration else []
    if metric not in measured:
        raise BadConfig(f'"search.metric" is "{metric}"; the suite measures {", ".join(measured)}.')


def _records(suite: Suite, folder: Path, titles: Mapping[str, str], *, retry_failed: bool) -> list[Record]:
    """Run the cells that have no record, and return the records of all, under the names of this suite."""
    left = remaining(suite, folder, retry_failed=retry_failed)
    with only_runner(folder):
        Plan(suite.name, titles).write(folder)
        rename_records(suite, folder)
        for _ in run_suite(suite, left, folder):
            pass
    return [read(folder / f"{one.key}.json") for one in suite.planned]


def _outcome(records: list[Record], values: Mapping[str, Any], metric: str) -> Trial:
    for record in records:
        if record.failure is not None:
            return Trial(values, None, f"{record.cell.title}: {record.failure.message}")
        if metric not in record.metrics:
            return Trial(values, None, f"{record.cell.title}: {record.undefined.get(metric, 'no value')}")
    result = fmean(record.metrics[metric] for record in records)
    lower = any(metric in record.lower_is_better for record in records)
    return Trial(values, result, goodness=-result if lower else result)
