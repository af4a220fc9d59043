"""`padimkit assess`: how good the verdicts of a stored model are on images whose truth is known."""

import base64
import heapq
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from PIL import Image
from torch import Tensor

from padimkit.cli.evaluate import require_unseen
from padimkit.cli.output import require_output
from padimkit.cli.predict import find_images
from padimkit.config.commands import ASSESS, assess_parser
from padimkit.config.parser import parse
from padimkit.errors import BadConfig, BadData
from padimkit.files import new_file
from padimkit.images.sample import Sample
from padimkit.inspection.calibrate import without_scores
from padimkit.inspection.calibration import Calibration
from padimkit.inspection.history import anomalies_of
from padimkit.inspection.predictions import overlay
from padimkit.inspection.quality import LEVEL, Judged, Quality, Rate
from padimkit.inspection.verdict import Verdict
from padimkit.pipeline.pipeline import Pipeline
from padimkit.report.formats.quality import Assessment, as_quality_page
from padimkit.storage import load, load_calibration, load_history, load_learnt, model_digest
from padimkit.values import ImagePrediction

_SIDE = 240  # pixels of a picture on the page


def run(words: list[str]) -> None:
    """Score good and bad images, and write the page and its numbers."""
    parser = assess_parser(
        "Show how good the verdicts of a stored model are on good and bad images that it has not learnt: "
        "false alarms and misses with exact limits and pictures, on a page whose thresholds move. The "
        "numbers are beside it as JSON. Nothing is changed in the model.",
    )
    made = parse(parser, ASSESS, words)
    page, numbers = _outputs(made)
    with (
        new_file(page, overwrite=made.overwrite) as page_file,
        new_file(numbers, overwrite=made.overwrite) as numbers_file,
    ):
        calibration = load_calibration(made.model)
        pipeline = load(made.model, device=made.device, trust=made.trust)
        samples = _samples(made, pipeline)
        images = tuple(_judged(made, pipeline, calibration, samples))
        quality = Quality(images, calibration.threshold, calibration.review_threshold)
        assessment = Assessment(
            quality,
            made.model.resolve().name,
            model_digest(made.model),
            calibration.scores,
            calibration.false_alarms,
            calibration.map_scale,
        )
        page_file.write_text(as_quality_page(assessment), encoding="utf-8", errors="replace")
        numbers_file.write_text(
            json.dumps(_numbers(assessment, calibration), indent=1, allow_nan=False) + "\n", encoding="utf-8"
        )
    _say(quality, page, numbers)


def _outputs(made: Namespace) -> tuple[Path, Path]:
    output = require_output(made.output, "FILE.html for the page")
    if output.suffix.lower() not in (".html", ".htm"):
        raise BadConfig(f'"output" is "{output}"; expected a name that ends in .html.')
    if made.most_pictures < 0:
        raise BadConfig(f'Expected "most_pictures" of at least 0, got {made.most_pictures}.')
    return output, output.with_suffix(".json")


def _samples(made: Namespace, pipeline: Pipeline) -> list[Sample]:
    """Return the good and the bad images.

    Raises:
        BadData: An image is both good and bad, or the model has learnt it.
    """
    kinds = ((made.good, False), (made.bad, True))
    samples = [Sample(path, anomalous=kind) for paths, kind in kinds for path in find_images(paths)]
    known: dict[str, Sample] = {}
    for sample, image in zip(samples, without_scores(pipeline, samples), strict=True):
        other = known.setdefault(image.sha256, sample)
        if other.anomalous is not sample.anomalous:
            raise BadData(
                f'"{other.path}" is among the good images and "{sample.path}", the same, among the bad.'
            )
    if not made.learnt_too:
        learnt = (*load_learnt(made.model), *anomalies_of(load_history(made.model)))
        require_unseen(learnt, pipeline, samples)
    return samples


def _judged(
    made: Namespace, pipeline: Pipeline, calibration: Calibration, samples: Sequence[Sample]
) -> list[Judged]:
    """Return all images with their scores, and with pictures those that are wrong or nearest to it."""
    found: list[Judged] = []
    pictures: dict[bool, list[tuple[float, int, Judged]]] = {False: [], True: []}
    for batch in pipeline.read(samples, made.batch_size, made.workers, "Assessing"):
        prediction = pipeline.predict_batch(batch)
        for pixels, one in zip(batch.images, prediction, strict=True):
            image = Judged(one.path, bool(samples[len(found)].anomalous), one.score)
            kept = pictures[image.anomalous]
            wrong = -image.score if image.anomalous else image.score
            if made.most_pictures and (len(kept) < made.most_pictures or (wrong, len(found)) > kept[0][:2]):
                heapq.heappush(kept, (wrong, len(found), _pictured(image, pixels, one, calibration)))
            if len(kept) > made.most_pictures:
                heapq.heappop(kept)
            found.append(image)
    for _, number, image in (*pictures[False], *pictures[True]):
        found[number] = image
    return found


def _pictured(image: Judged, pixels: Tensor, one: ImagePrediction, calibration: Calibration) -> Judged:
    low, high = calibration.map_scale
    plain = Image.fromarray((pixels.permute(1, 2, 0) * 255).round().clamp(0, 255).byte().cpu().numpy())
    coloured = overlay(pixels.clamp(0, 1), one.anomaly_map, low=low, high=high)
    return replace(image, picture=_address(plain), overlay=_address(coloured))


def _address(picture: Image.Image) -> str:
    picture.thumbnail((_SIDE, _SIDE))
    file = io.BytesIO()
    picture.save(file, format="JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def _numbers(assessment: Assessment, calibration: Calibration) -> dict[str, Any]:
    quality, best = assessment.quality, assessment.quality.best
    return {
        "model": assessment.model,
        "hash": assessment.digest,
        "threshold": quality.threshold,
        "review_threshold": quality.review_threshold,
        "promised_false_alarms": calibration.false_alarms,
        "confidence": LEVEL,
        "good": {verdict.value: _rate(quality.rate(False, verdict)) for verdict in Verdict},
        "bad": {verdict.value: _rate(quality.rate(True, verdict)) for verdict in Verdict},
        "false_alarms": _rate(quality.false_alarms),
        "misses": _rate(quality.misses),
        "image_auroc": quality.auroc,
        "best": {
            "threshold": best.threshold,
            "false_alarms": best.false_alarms,
            "misses": best.misses,
            "fitted_to_these_images": True,
        },
        "images": [
            {
                "path": image.path,
                "anomalous": image.anomalous,
                "score": image.score,
                "p_value": calibration.p_value(image.score),
                "verdict": quality.verdict(image).value,
            }
            for image in quality.images
        ],
    }


def _rate(rate: Rate) -> dict[str, float | int]:
    return {**asdict(rate), "share": rate.share}


def _say(quality: Quality, page: Path, numbers: Path) -> None:
    for name, rate in (("False alarms", quality.false_alarms), ("Misses", quality.misses)):
        share = f"{rate.count} of {rate.total} ({rate.share:.1%}"
        print(f"{name}: {share}; 95 % limits {rate.lower:.1%} to {rate.upper:.1%})")
    print(f"The page is in {page}, its numbers are in {numbers}")
