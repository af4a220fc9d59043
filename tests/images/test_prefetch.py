import threading

import pytest

from padimkit.images import prefetch
from padimkit.images.prefetch import ahead

GUARD = 60  # seconds until a wait that nothing would end fails; none of them takes any time


class AtOnce(prefetch.ThreadPoolExecutor):
    """Does what it is given as early as any thread could: before it returns."""

    def submit(self, function, *arguments):
        done = super().submit(function, *arguments)
        done.exception(GUARD)
        return done


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_results_come_in_order(workers):
    ready = [threading.Event() for _ in range(20)]

    def late_if_even(value):
        ready[value].set()
        if workers > 1 and value % 2 == 0:
            assert ready[value + 1].wait(GUARD)  # which another thread begins meanwhile
        return value * value

    found = ahead(late_if_even, range(20), workers=workers, reach=5)
    assert list(found) == [value * value for value in range(20)]


@pytest.mark.parametrize("workers", [0, 2])
def test_nothing_gives_nothing(workers):
    assert list(ahead(abs, [], workers=workers, reach=4)) == []


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_comes_where_the_result_would(workers):
    found = ahead(lambda value: 1 // value, [1, 1, 0, 1], workers=workers, reach=4)
    assert [next(found), next(found)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        next(found)


@pytest.mark.parametrize("workers", [1, 3])
def test_no_more_is_done_ahead_than_the_reach(workers, monkeypatch):
    monkeypatch.setattr(prefetch, "ThreadPoolExecutor", AtOnce)
    begun = []
    found = ahead(begun.append, range(100), workers=workers, reach=6)
    for asked in range(1, 4):
        next(found)
        assert len(begun) == 6 + asked
    found.close()
    assert len(begun) == 6 + 3


def test_what_nobody_waits_for_any_more_is_not_begun():
    begun, second, go_on = [], threading.Event(), threading.Event()

    def held_at_the_second(value):
        begun.append(value)
        if value == 1:
            second.set()
            assert go_on.wait(GUARD)

    before = set(threading.enumerate())
    found = ahead(held_at_the_second, range(100), workers=1, reach=50)
    next(found)
    assert second.wait(GUARD)
    (thread,) = set(threading.enumerate()) - before
    found.close()
    go_on.set()
    thread.join(GUARD)
    assert begun == [0, 1]


def test_work_is_done_before_it_is_asked_for():
    done = threading.Event()
    found = ahead(lambda value: value == 1 and done.set(), range(5), workers=1, reach=3)
    next(found)
    assert done.wait(GUARD)
