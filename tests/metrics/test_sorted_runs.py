from weakref import ref

import numpy as np
import pytest
import torch
from metric_inputs import computed, of_pixels, pieces, tied_maps

from padimkit.memory import OnDisk
from padimkit.metrics import _sorted_runs
from padimkit.metrics._sorted_runs import Runs, keys
from padimkit.metrics.auroc import PixelAUROC
from padimkit.metrics.pro import PRO


def test_keys_are_in_the_order_of_the_scores(random):
    bits = random.integers(0, 2**32, 5000, dtype=np.uint64).astype(np.uint32)
    scores = bits.view(np.float32)
    special = np.array([0.0, -0.0, np.inf, -np.inf, 1e-45, -1e-45, 3.4e38, -3.4e38], np.float32)
    scores = np.concatenate([scores[~np.isnan(scores)], special])
    low, high = scores[:-1], scores[1:]
    assert np.array_equal(keys(low) < keys(high), low < high)
    assert np.array_equal(np.equal.outer(keys(special), keys(special)), np.equal.outer(special, special))


def test_scores_next_to_each_other_stay_in_order(random):
    bits = random.integers(0, 2**32, 5000, dtype=np.uint64).astype(np.uint32)
    scores = bits.view(np.float32)
    scores = scores[np.isfinite(scores)]
    with np.errstate(over="ignore"):
        assert np.all(keys(scores) < keys(np.nextafter(scores, np.float32(np.inf))))


@pytest.mark.parametrize("in_memory", [0, 200, 2**28])
def test_ranks_are_those_in_all_values_together(random, monkeypatch, in_memory):
    monkeypatch.setattr(_sorted_runs, "RUN", 50)
    monkeypatch.setattr(_sorted_runs, "IN_MEMORY", in_memory)
    values = random.integers(-20, 20, 401).astype(np.int32)
    collected = Runs()
    for part in np.array_split(values, 23):
        collected.add(part)
    asked = np.sort(random.integers(-25, 25, 60).astype(np.int32))
    assert collected.count == 401
    below, not_above = collected.ranks(asked)
    assert np.array_equal(below, [(values < one).sum() for one in asked])
    assert np.array_equal(not_above, [(values <= one).sum() for one in asked])


@pytest.mark.parametrize("asked", [3, 60, 900])
def test_what_is_below_is_that_in_all_values_whichever_are_fewer(random, monkeypatch, asked):
    monkeypatch.setattr(_sorted_runs, "RUN", 50)
    values, collected = random.integers(-20, 20, 401), Runs()
    collected.add(values)
    wanted = np.sort(random.integers(-25, 25, asked))
    assert np.array_equal(collected.below(wanted), [(values < one).sum() for one in wanted])
    for outside in (wanted[:0], wanted - 100, wanted + 100):
        assert np.array_equal(collected.below(outside), [(values < one).sum() for one in outside])


def test_memory_stays_bounded_however_many_values_there_are(monkeypatch):
    monkeypatch.setattr(_sorted_runs, "RUN", 1000)
    monkeypatch.setattr(_sorted_runs, "IN_MEMORY", 20_000)
    spooled = []
    empty = OnDisk.empty
    monkeypatch.setattr(OnDisk, "empty", lambda *args: spooled.append(args[1][0]) or empty(*args))
    collected = Runs()
    for _ in range(100):
        collected.add(np.arange(500, dtype=np.int32))
    assert collected.count == 50_000
    assert sum(spooled) == 44_000  # 20,000 bytes are in memory, and 1,000 values wait


@pytest.mark.parametrize("metric", [PixelAUROC, PRO])
@pytest.mark.parametrize("in_memory", [0, 2**28])
def test_many_runs_give_the_figure_of_one(random, monkeypatch, metric, in_memory):
    pair = of_pixels(*tied_maps(random))
    expected = computed(metric(), pair)
    monkeypatch.setattr(_sorted_runs, "RUN", 7)
    monkeypatch.setattr(_sorted_runs, "IN_MEMORY", in_memory)
    streamed = metric()
    for piece in pieces(pair, 1):
        streamed.update(*piece)
    assert streamed.compute() == pytest.approx(expected, abs=1e-12)
    assert streamed.compute() == pytest.approx(expected, abs=1e-12)


def test_an_update_copies_what_it_takes_in(random):
    maps, masks = tied_maps(random)
    expected = computed(PRO(), of_pixels(maps, masks))
    prediction, truth = of_pixels(maps, masks)
    metric = PRO()
    metric.update(prediction, truth)
    prediction.anomaly_maps.copy_(torch.zeros(()))
    assert metric.compute() == expected


def test_equal_values_are_sorted_once_and_held_once(random):
    values = random.integers(-1000, 1000, 500).astype(np.int32)
    collections = [Runs() for _ in range(4)]
    for collection, some in zip(
        collections, (values, values, values.astype(np.int64), values[::-1]), strict=True
    ):
        collection.add(some)
    (one,), (same,), (as_wide,), (reverse,) = map(list, collections)
    assert same is one and np.array_equal(one, np.sort(values))
    assert np.array_equal(as_wide, one) and as_wide.dtype == np.int64
    assert np.array_equal(reverse, one) and not np.shares_memory(reverse, one)
    for collection in collections:
        collection.clear()
    held = ref(one)
    del one, same
    assert held() is None
