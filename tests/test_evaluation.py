from typing import ClassVar

import numpy as np
import pytest
import torch
from PIL import Image

from padimkit import AnomalyMap, Batch, MVTec, Pipeline, Preprocessing, evaluate
from padimkit.backbones.pixels import Pixels
from padimkit.contracts import ImageValues, Metric, NamedValues
from padimkit.densities.gaussian import Gaussian
from padimkit.errors import BadArgument, BadData, UndefinedMetric
from padimkit.evaluation import directions_of
from padimkit.metrics.auroc import ImageAUROC, PixelAUROC
from padimkit.reducers.identity import Identity


@pytest.fixture
def pipeline(generator):
    pipeline = Pipeline(Pixels(), Identity(), Gaussian(), map=AnomalyMap(sigma=0.0))
    pipeline.fit([Batch(torch.rand(8, 3, 6, 6, generator=generator) / 2, tuple("abcdefgh"))])
    return pipeline


def drawn(generator, **known):
    images = torch.rand(4, 3, 6, 6, generator=generator) / 2
    images[2:, :, 2:4, 2:4] = 1.2
    paths = ("1", "2", "3", "4")
    parts = [slice(0, 3), slice(3, 4)]
    return [Batch(images[p], paths[p], **{name: value[p] for name, value in known.items()}) for p in parts]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_no_figure_of_merit(generator, pipeline, value):
    class Divided(Metric):
        higher_is_better = True

        def update(self, prediction, truth):
            pass

        def compute(self):
            return value

        def reset(self):
            pass

    found = evaluate(
        pipeline, drawn(generator, labels=torch.tensor([False, False, True, True])), {"mine": Divided()}
    )
    assert found.metrics == {} and found.undefined == {"mine": f"The metric gave {value}."}


class Gaps(Metric, NamedValues, ImageValues):
    """A mean, a highest and a lowest score, and how far each image lies above the lowest."""

    higher_is_better = False
    directions: ClassVar = {"highest": True, "lowest": False, "spare": True, "word": True}

    def reset(self):
        self.scores = []

    def update(self, prediction, truth):
        self.scores += prediction.image_scores.tolist()

    def compute(self):
        if not self.scores:
            raise UndefinedMetric("No image.")
        return sum(self.scores) / len(self.scores)

    def named_values(self):
        return {"highest": np.float32(max(self.scores)), "lowest": float("nan"), "stray": 1.0, "word": "much"}

    def image_values(self):
        gaps = np.array(self.scores) - min(self.scores)
        return np.where(gaps > 0, gaps, np.nan)


def test_named_values_are_metrics_and_what_is_missing_is_told(generator, pipeline):
    found = evaluate(pipeline, drawn(generator), {"gaps": Gaps(), "other": PixelAUROC()})
    scores = [image.score for image in found.images]
    assert found.metrics == {"gaps": pytest.approx(np.mean(scores)), "gaps.highest": max(scores)}
    assert {type(value) for value in found.metrics.values()} == {float}
    assert found.undefined.pop("other")
    assert found.undefined == {
        "gaps.lowest": "The metric gave nan.",
        "gaps.word": "The metric gave much.",
        "gaps.spare": "The metric gave no value of this name.",
        "gaps.stray": 'The metric has no direction for this name in "directions".',
    }
    assert found.lower_is_better == ("gaps", "gaps.lowest")
    values = found.image_values["gaps"]
    assert found.image_values.keys() == {"gaps"} and len(values) == 4
    np.testing.assert_allclose(np.nan_to_num(values), np.array(scores) - min(scores), rtol=1e-6)


def test_a_metric_named_like_a_further_value_of_another_is_refused(generator, pipeline):
    with pytest.raises(BadArgument, match='"gaps.highest" is a further value of the metric "gaps"'):
        evaluate(pipeline, drawn(generator), {"gaps": Gaps(), "gaps.highest": PixelAUROC()})


def test_directions_that_are_none_are_told(monkeypatch):
    monkeypatch.setattr(Gaps, "directions", None)
    with pytest.raises(BadArgument, match='"directions" of the metric "gaps" is None; expected true or'):
        directions_of("gaps", Gaps())


def test_values_of_images_come_in_the_order_of_the_metrics(generator, pipeline):
    names = [f"gaps {number}" for number in range(8)]
    assert list(evaluate(pipeline, drawn(generator), {name: Gaps() for name in names}).image_values) == names


class Never(Gaps):
    def compute(self):
        raise UndefinedMetric("No luck.")


def test_named_values_of_an_undefined_metric_are_undefined_for_its_reason(generator, pipeline):
    found = evaluate(pipeline, drawn(generator), {"gaps": Never()})
    assert found.metrics == {} and found.image_values == {}
    names = ["gaps", *(f"gaps.{name}" for name in Gaps.directions)]
    assert found.undefined == dict.fromkeys(names, "No luck.")


@pytest.mark.parametrize("values", [[1.0], [1.0, 2.0, 3.0, float("inf")]])
def test_values_of_images_that_are_too_few_or_infinite_are_refused(monkeypatch, generator, pipeline, values):
    monkeypatch.setattr(Gaps, "image_values", lambda self: np.array(values))
    with pytest.raises(BadArgument, match='"image_values" of the metric "gaps" must give 4 values'):
        evaluate(pipeline, drawn(generator), {"gaps": Gaps()})


def test_figures_scores_and_times_of_one_pass(generator, pipeline):
    labels = torch.tensor([False, False, True, True])
    found = evaluate(
        pipeline, drawn(generator, labels=labels), {"auroc": ImageAUROC(), "pixel": PixelAUROC()}
    )
    assert found.metrics == {"auroc": 1.0}
    assert "no masks" in found.undefined["pixel"]
    assert [(image.path, image.anomalous) for image in found.images] == [
        ("1", False),
        ("2", False),
        ("3", True),
        ("4", True),
    ]
    assert found.images[3].score > found.images[0].score
    assert found.seconds["predict"] > 0
    assert found.seconds["metrics"] > 0


def test_what_a_metric_has_seen_before_does_not_count(generator, pipeline):
    metric = ImageAUROC()
    data = drawn(generator, labels=torch.tensor([False, False, True, True]))
    wrong = drawn(generator, labels=torch.tensor([True, True, False, False]))
    evaluate(pipeline, wrong, {"auroc": metric})
    assert evaluate(pipeline, data, {"auroc": metric}).metrics == {"auroc": 1.0}


def test_unknown_labels_stay_unknown(generator, pipeline):
    assert {image.anomalous for image in evaluate(pipeline, drawn(generator), {}).images} == {None}


def test_an_empty_test_set_is_refused(pipeline):
    with pytest.raises(BadData, match="no test images"):
        evaluate(pipeline, [], {})


LABELS = torch.tensor([False, False, True, True])


@pytest.mark.parametrize(
    ("metrics", "names"),
    [
        ("image_auroc", {"image_auroc"}),
        (["image_auroc"], {"image_auroc"}),
        (ImageAUROC(), {"image_auroc"}),
        ([ImageAUROC()], {"image_auroc"}),
        ({"mine": "image_auroc"}, {"mine"}),
        ({"mine": ImageAUROC()}, {"mine"}),
    ],
)
def test_metrics_are_given_by_name_or_made_one_or_many(generator, pipeline, metrics, names):
    assert evaluate(pipeline, drawn(generator, labels=LABELS), metrics).metrics.keys() == names


def test_without_metrics_there_are_the_usual_three(generator, pipeline):
    found = evaluate(pipeline, drawn(generator, labels=LABELS))
    assert found.metrics.keys() == {"image_auroc"} and found.undefined.keys() == {"pixel_auroc", "pro"}


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ([ImageAUROC], r"Make one: ImageAUROC\(\)"),
        ([3], "Expected a metric or the name of one, got 3"),
        ([ImageAUROC(), ImageAUROC()], 'two metrics "image_auroc"'),
    ],
)
def test_other_metrics_are_refused(generator, pipeline, metrics, message):
    with pytest.raises(BadArgument, match=message):
        evaluate(pipeline, drawn(generator, labels=LABELS), metrics)


def test_anomalous_images_without_a_visible_defect_are_named(stripes, tmp_path):
    category = stripes / "stripes"
    mask = np.zeros((48, 48), dtype=np.uint8)
    mask[0, 0] = 255  # in the margin that the crop leaves out, and in none of the region of interest
    Image.fromarray(mask).save(category / "ground_truth" / "spot" / "001_mask.png")
    Image.fromarray(255 - mask).save(tmp_path / "roi.png")
    data, hidden = MVTec(stripes, "stripes"), (str(category / "test" / "spot" / "001.png"),)
    for crop, roi, expected in ((28, None, hidden), (None, tmp_path / "roi.png", hidden), (None, None, ())):
        pipeline = Pipeline(Pixels(), Identity(), Gaussian(), preprocessing=Preprocessing(48, crop, roi=roi))
        found = evaluate(pipeline.fit(data.train()), data.test(), "image_auroc")
        assert found.invisible == expected
