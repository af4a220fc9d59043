"""A plugin of pytest that repeats each test that draws with fresh seeds: `make fuzz`.

A test draws if it has the fixture `seed` or `common_seed`, itself or through another fixture. The seed is
part of the name of each repetition.
"""

import secrets
from collections.abc import Generator
from typing import Any

import pytest

SEEDS = ("seed", "common_seed")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("fuzz")
    group.addoption("--draws", type=int, default=200, help="how many seeds each test that draws gets")
    group.addoption(
        "--first", type=int, metavar="SEED", help="the first seed, which is drawn if it is not given"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Draw the first seed where none is given; a worker process has been told it."""
    if config.option.first is None:
        told: dict[str, int] = getattr(config, "workerinput", {})
        config.option.first = told.get("first", secrets.randbits(32))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker process of pytest-xdist."""
    node.workerinput["first"] = node.config.option.first


def pytest_report_header(config: pytest.Config) -> str:
    return f"fuzz: --draws {config.option.draws} --first {config.option.first}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a number of seeds to a test; two fixtures of one test get the same one."""
    names = [name for name in SEEDS if name in metafunc.fixturenames]
    if not names:
        return
    first, draws = metafunc.config.option.first, metafunc.config.option.draws
    seeds = [(seed,) * len(names) for seed in range(first, first + draws)]
    scope = "session" if "common_seed" in names else "function"
    metafunc.parametrize(names, seeds, ids=[f"seed={seed}" for seed, *_ in seeds], scope=scope)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave only what draws."""
    drawing = [item for item in items if _seed(item) is not None]
    config.hook.pytest_deselected(items=[item for item in items if _seed(item) is None])
    items[:] = drawing


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say how to repeat what failed."""
    report = yield
    if report.failed:
        again = f"python -m pytest -p fuzz --draws 1 --first {_seed(item)} '{item.nodeid}'"
        report.sections.append(("the same again, with PYTHONPATH=tests/helpers", again))
    return report


def _seed(item: pytest.Item) -> int | None:
    """Return the seed that a test was given."""
    drawn: dict[str, int] = item.callspec.params if hasattr(item, "callspec") else {}
    return next((drawn[name] for name in SEEDS if name in drawn), None)
