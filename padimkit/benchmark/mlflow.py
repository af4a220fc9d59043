"""Runs of MLflow, one for each cell of a suite."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import final

from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from padimkit.benchmark.tracker import TrackedRun, Tracker

_AT_A_TIME = 100  # parameters that one request may have
_LONGEST = 500  # characters of a parameter, the least that stores of MLflow take
_UNUSABLE = str.maketrans({letter: "_" for letter in "\\<>[]{}()'\"=,*&^%$#@!?;|~`"})


@final
class MLflow(Tracker):
    """Runs of MLflow in an experiment of the suite's name, with metrics, settings and the record.

    Args:
        place: The tracking URI, such as that of a server or `sqlite:///runs.db`; empty for the one that
            MLflow is set to (`MLFLOW_TRACKING_URI`).
    """

    def __init__(self, place: str = "") -> None:
        super().__init__(place)
        self._client = MlflowClient(place or None)
        self._run = ""
        self._ended = 0

    def begin(self, run: TrackedRun) -> None:
        """Create a run, and the experiment if there is none."""
        known = self._client.get_experiment_by_name(run.suite)
        experiment = known.experiment_id if known else self._client.create_experiment(run.suite)
        tags = {**run.labels, "padimkit.key": run.key}
        made = self._client.create_run(experiment, _milliseconds(run.begun), tags, run.name)
        self._run, self._ended = made.info.run_id, _milliseconds(run.ended)
        settings = [Param(_name(key), value[:_LONGEST]) for key, value in run.settings.items()]
        for start in range(0, len(settings), _AT_A_TIME):
            self._client.log_batch(self._run, params=settings[start : start + _AT_A_TIME])

    def log(self, values: Mapping[str, float]) -> None:
        """Log the values as metrics at the end of the run."""
        metrics = [Metric(_name(name), value, self._ended, 0) for name, value in values.items()]
        self._client.log_batch(self._run, metrics=metrics)

    def keep(self, file: Path) -> None:
        """Log the file as an artifact."""
        self._client.log_artifact(self._run, str(file))

    def end(self, failure: str) -> None:
        """Set the run to finished, or to failed with the reason as a tag."""
        if failure:
            self._client.set_tag(self._run, "padimkit.failure", failure)
        self._client.set_terminated(self._run, "FAILED" if failure else "FINISHED", self._ended)


def _milliseconds(time: datetime) -> int:
    return round(1000 * time.timestamp())


def _name(text: str) -> str:
    """Return a name without the letters that MLflow refuses."""
    return text.translate(_UNUSABLE)
