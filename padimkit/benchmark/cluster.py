"""Clusters that joblib gives tasks to: Dask and Ray, there already or started here."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from types import ModuleType

from joblib import effective_n_jobs, parallel_config

from padimkit.benchmark.suite_file import Engine
from padimkit.errors import BadArgument


def require_cluster(backend: str) -> None:
    """Raises BadArgument unless the package of this cluster is installed."""
    if find_spec(_PACKAGES[backend]) is None:
        raise BadArgument(
            f"The engine {backend} is not installed. Install it with: pip install 'padimkit[{backend}]'"
        )


def cluster(engine: Engine) -> AbstractContextManager[None]:
    """Within it, joblib gives tasks to the cluster at the engine's address, or to a local one.

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
