import threading
import time

import pytest

from padimkit.images.prefetch import ahead


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_results_come_in_order(workers):
    def slow_if_even(value):
        time.sleep(0.003 * (value % 2 == 0))
        return value * value

    found = ahead(slow_if_even, range(20), workers=workers, reach=5)
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
def test_no_more_is_done_ahead_than_the_reach(workers):
    begun = []
    found = ahead(begun.append, range(100), workers=workers, reach=6)
    for asked in range(1, 4):
        next(found)
        time.sleep(0.05)
        assert len(begun) <= 6 + asked
    found.close()
    time.sleep(0.05)
    assert len(begun) <= 6 + 3


def test_what_nobody_waits_for_any_more_is_not_begun():
    begun = []

    def slow(value):
        begun.append(value)
        time.sleep(0.02)

    found = ahead(slow, range(100), workers=1, reach=50)
    next(found)
    found.close()
    time.sleep(0.1)
    assert len(begun) <= 3


def test_work_is_done_before_it_is_asked_for():
    done = threading.Event()
    found = ahead(lambda value: value == 1 and done.set(), range(5), workers=1, reach=3)
    next(found)
    assert done.wait(5)
