"""The engines that run cells beside each other, through joblib: on this machine, or on a cluster."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from joblib import Parallel, delayed, effective_n_jobs, parallel_config
from joblib.parallel import get_active_backend

from padimkit.benchmark.cell import Limits, Planned
from padimkit.benchmark.planning.suite_file import Engine
from padimkit.benchmark.record import Record
from padimkit.benchmark.running.process import run_cell, stop_running
from padimkit.benchmark.running.sharing import UNSHARED, Sharing
from padimkit.errors import BadArgument


def records_beside(
    planned: Sequence[Planned],
    limits: Limits,
    engine: Engine,
    shared: Sharing = UNSHARED,
    work: Path | None = None,
) -> Iterator[Record]:
    """Yield the records of the cells, each as soon as it is there; Ray's come in rounds.

    Cells of a cluster share nothing, and their working folders end with them: its machines need not have
    these folders.

    Raises:
        BadArgument: There is no such backend, or it is not installed.
    """
    shared, work = (UNSHARED, None) if engine.backend in CLUSTERS else (shared, work)
    with _configured(engine):
        tasks = [
            delayed(run_cell)(one.cell, one.facts, limits, shared.shelf_of(one), work and work / one.key)
            for one in planned
        ]
        try:
            yield from _results(tasks)
        except BaseException:
            stop_running()
            raise


def require_engine(engine: Engine) -> None:
    """Raise BadArgument unless there is such a backend; no cluster is contacted."""
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
    for start in range(0, len(tasks), at_a_time):  # finished ones are kept, whatever happens to the next
        yield from Parallel(batch_size=1)(tasks[start : start + at_a_time])


def require_cluster(backend: str) -> None:
    """Raise BadArgument unless the package of this cluster is installed."""
    if find_spec(_PACKAGES[backend]) is None:
        raise BadArgument(
            f"The engine {backend} is not installed. Install it with: pip install 'padimkit[{backend}]'"
        )


def cluster(engine: Engine) -> AbstractContextManager[None]:
    """Return a context in which joblib gives tasks to the cluster at the engine's address, or to a local one.

    Raises:
        BadArgument: Its package is not installed, or nothing answers at the address.
    """
    require_cluster(engine.backend)
    return CLUSTERS[engine.backend](engine)


@contextmanager
def _dask(engine: Engine) -> Iterator[None]:
    from distributed import Client, LocalCluster

    if engine.address:
        try:
            client = Client(engine.address)
        except (OSError, ValueError) as error:
            raise _unreachable(engine, error) from error
        with client, parallel_config(backend="dask"):
            yield
        return
    jobs = effective_n_jobs(engine.jobs)
    local = LocalCluster(n_workers=jobs, threads_per_worker=1, dashboard_address=None)
    with local, Client(local), parallel_config(backend="dask"):
        yield


@contextmanager
def _ray(engine: Engine) -> Iterator[None]:
    import ray
    from ray.util.joblib import register_ray

    _connect(ray, engine)
    register_ray()
    try:
        with parallel_config(backend="ray", n_jobs=-1):
            yield
    finally:
        ray.shutdown()


def _connect(ray: ModuleType, engine: Engine) -> None:
    if not engine.address:
        ray.init(num_cpus=engine.jobs if engine.jobs > 0 else None, include_dashboard=False)
        return
    try:
        ray.init(address=engine.address)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise _unreachable(engine, error) from error


def _unreachable(engine: Engine, error: Exception) -> BadArgument:
    return BadArgument(f'No cluster answers at "engine.address" {engine.address}: {error}')


CLUSTERS: dict[str, Callable[[Engine], AbstractContextManager[None]]] = {"dask": _dask, "ray": _ray}
_PACKAGES = {"dask": "distributed", "ray": "ray"}
