"""Cells beside each other, through joblib: processes here, or a cluster."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec

from joblib import Parallel, delayed, parallel_config

from padimkit.benchmark.process import Limits, run_cell, stop_running
from padimkit.benchmark.record import Record
from padimkit.benchmark.suite import Planned
from padimkit.benchmark.suite_file import Engine
from padimkit.errors import BadArgument


def records_beside(planned: Sequence[Planned], limits: Limits, engine: Engine) -> Iterator[Record]:
    """The records of the cells, as soon as each is there.

    Raises:
        BadArgument: There is no such backend, or it is not installed.
    """
    with _configured(engine):
        tasks = (delayed(run_cell)(one.cell, one.facts, limits) for one in planned)
        try:
            yield from Parallel(return_as="generator_unordered", pre_dispatch="n_jobs")(tasks)
        except BaseException:
            stop_running()
            raise


def require_engine(engine: Engine) -> None:
    """Raises BadArgument unless there is such a backend; a cluster is not asked."""
    if engine.backend == "dask":
        _require_dask()
        return
    with _configured(engine):
        pass


@contextmanager
def _configured(engine: Engine) -> Iterator[None]:
    if engine.backend == "dask":
        with _dask(engine):
            yield
        return
    try:
        config = parallel_config(backend=engine.backend, n_jobs=engine.jobs)
    except (ValueError, ImportError) as error:
        raise BadArgument(f'joblib has no backend "{engine.backend}" ("engine.backend"): {error}') from error
    with config:
        yield


@contextmanager
def _dask(engine: Engine) -> Iterator[None]:
    _require_dask()
    from distributed import Client, LocalCluster

    if engine.address:
        try:
            client = Client(engine.address)
        except OSError as error:
            raise BadArgument(
                f'No scheduler answers at "engine.address" {engine.address}: {error}'
            ) from error
        with client, parallel_config(backend="dask"):
            yield
        return
    local = LocalCluster(n_workers=engine.jobs, threads_per_worker=1, dashboard_address=None)
    with local, Client(local), parallel_config(backend="dask"):
        yield


def _require_dask() -> None:
    if find_spec("distributed") is None:
        raise BadArgument("The engine dask is not installed. Install it with: pip install 'padimkit[dask]'")
