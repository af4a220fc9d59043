"""Cells beside each other, through joblib: processes here, or a cluster."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from joblib import Parallel, delayed, parallel_config
from joblib.parallel import get_active_backend

from padimkit.benchmark.cluster import CLUSTERS, cluster, require_cluster
from padimkit.benchmark.process import Limits, run_cell, stop_running
from padimkit.benchmark.record import Record
from padimkit.benchmark.suite import Planned
from padimkit.benchmark.suite_file import Engine
from padimkit.errors import BadArgument


def records_beside(planned: Sequence[Planned], limits: Limits, engine: Engine) -> Iterator[Record]:
    """The records of the cells, as soon as each is there; Ray's come in rounds of as many as run at a time.

    Raises:
        BadArgument: There is no such backend, or it is not installed.
    """
    with _configured(engine):
        tasks = [delayed(run_cell)(one.cell, one.facts, limits) for one in planned]
        try:
            yield from _results(tasks)
        except BaseException:
            stop_running()
            raise


def require_engine(engine: Engine) -> None:
    """Raises BadArgument unless there is such a backend; a cluster is not asked."""
    if engine.backend in CLUSTERS:
        require_cluster(engine.backend)
        return
    with _configured(engine):
        pass


@contextmanager
def _configured(engine: Engine) -> Iterator[None]:
    if engine.backend in CLUSTERS:
        with cluster(engine):
            yield
        return
    try:
        config = parallel_config(backend=engine.backend, n_jobs=engine.jobs)
    except (ValueError, ImportError) as error:
        raise BadArgument(f'joblib has no backend "{engine.backend}" ("engine.backend"): {error}') from error
    with config:
        yield


def _results(tasks: Sequence[Any]) -> Iterator[Record]:
    backend, jobs = get_active_backend()
    if backend.supports_return_generator:
        yield from Parallel(return_as="generator_unordered", pre_dispatch="n_jobs")(tasks)
        return
    at_a_time = backend.effective_n_jobs(jobs)
    for start in range(0, len(tasks), at_a_time):  # what is done is kept, whatever happens to the next ones
        yield from Parallel(batch_size=1)(tasks[start : start + at_a_time])
