"""The benchmark of the server in a tiny setting: that it counts right, not how quick anything is."""

import pytest
from served import running

from benchmarks.serve import Answer, agreement, ask, speed
from padimkit.service.serving.limits import Limits
from padimkit.service.serving.service import Service


def test_all_requests_are_answered_even_by_a_server_that_is_full(inspector, good):
    numbers = []
    with running(Service({"bolts": inspector}, Limits(waiting=1))) as url:
        answers = ask(url, good, 20, 4, numbers.append)
    assert sorted(numbers) == list(range(1, 21)) and len(answers) == 20
    found = agreement(answers, [inspector(content).score for content in good])
    assert found["largest_difference"] < 1e-5


def test_speed_and_agreement_are_counted():
    answers = [Answer(0, 1.0, 0.1, 1), Answer(1, 2.2, 0.3, 2), Answer(0, 1.0, 0.2, 1)]
    assert agreement(answers, [1.0, 2.0]) == pytest.approx({"the_same": 2, "largest_difference": 0.1})
    assert speed(answers, 1.5) == pytest.approx(
        {"requests": 3, "images_per_second": 2, "median_ms": 200, "p99_ms": 298}
    )
