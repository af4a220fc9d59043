import numpy as np
import pytest
from metric_inputs import computed, of_pixels, pieces, tied_maps

from padimkit.errors import UndefinedMetric
from padimkit.metrics import _influence
from padimkit.metrics.auroc import PixelAUROC
from padimkit.metrics.pro import PRO

METRICS = [PixelAUROC(), PRO(0.037), PRO(0.31), PRO(1.0)]  # at no step of the curve, where it has a kink


def influence(metric, maps, masks, size=9):
    collector = metric.influence()
    for piece in pieces(of_pixels(maps, masks), size):
        collector.update(*piece)
    return collector.compute()


def weighted(metric, maps, masks, weights) -> float:
    """The metric value by its definition, in which image i counts `weights[i]` times."""
    normal = np.concatenate([one[~mask] for one, mask in zip(maps, masks, strict=True)])
    times = np.concatenate([np.full((~mask).sum(), w) for mask, w in zip(masks, weights, strict=True)])
    limit = metric.max_fpr * times.sum() if isinstance(metric, PRO) else None
    total, area = 0.0, 0.0
    for one, mask, weight in zip(maps, masks, weights, strict=True):
        for scores in regions(one, mask) if limit else [one[mask]]:
            size = len(scores) if limit else 1
            for score in scores:
                start, end = times[normal > score].sum(), times[normal >= score].sum()
                if limit is None:
                    area += weight * (1 - (start + end) / 2 / times.sum())
                    total += weight
                else:
                    area += weight * ramp(start, end, limit) / limit / size
            total += weight if limit else 0
    return area / total


def ramp(start, end, limit) -> float:
    """The area, up to the limit, under what rises from 0 at the start to 1 at the end."""
    x = [0.0, *sorted({min(start, limit), min(end, limit)}), limit]
    y = [
        float(one >= end) if one >= end or end == start else max(one - start, 0) / (end - start) for one in x
    ]
    if end == start and start < limit:
        return limit - start
    return float(np.trapezoid(y, x))


def regions(scores, mask):
    numbers, count = _influence.region_numbers(mask)
    return [scores[mask][numbers == number + 1] for number in range(count)]


@pytest.mark.parametrize("metric", METRICS, ids=repr)
def test_influence_is_the_derivative_by_the_weight_of_an_image(random, metric):
    maps, masks = tied_maps(random)
    maps, masks = maps[:4, :5, :5], masks[:4, :5, :5].copy()
    masks[0, 0, 0], masks[1, 0, :2] = False, (False, True)
    found = influence(metric, maps, masks)
    assert weighted(metric, maps, masks, np.ones(len(maps))) == pytest.approx(
        computed(type(metric)(**vars_of(metric)), of_pixels(maps, masks)), abs=1e-9
    )
    step = 1e-5
    for index in range(len(maps)):
        weights = np.ones((2, len(maps)))
        weights[:, index] += (-step, step)
        low, high = (weighted(metric, maps, masks, one) for one in weights)
        assert found[index] == pytest.approx((high - low) / 2 / step, abs=1e-6)


def vars_of(metric):
    return {"max_fpr": metric.max_fpr} if isinstance(metric, PRO) else {}


@pytest.mark.parametrize("metric", METRICS, ids=repr)
def test_batches_and_chunks_do_not_matter_and_the_sum_is_zero(random, monkeypatch, metric):
    maps, masks = tied_maps(random)
    expected = influence(metric, maps, masks)
    assert expected.sum() == pytest.approx(0, abs=1e-12)
    monkeypatch.setattr(_influence, "_CHUNK", 7)
    assert influence(metric, maps, masks, size=1) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("metric", METRICS[:2], ids=repr)
def test_what_is_undefined_has_no_influence(metric):
    with pytest.raises(UndefinedMetric, match="0 anomalous pixels"):
        influence(metric, np.zeros((2, 3, 3), np.float32), np.zeros((2, 3, 3), bool))
