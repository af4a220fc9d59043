"""Pictures of suspicious training images, beside models that were really fitted without them."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from padimkit import (
    AnomalyMap,
    Gaussian,
    Inspector,
    Pipeline,
    Pixels,
    Preprocessing,
    RandomChannels,
    calibrate,
)
from padimkit.images.sample import Sample
from padimkit.inspection.calibrate import calibration_of
from padimkit.inspection.pictures import marked
from padimkit.inspection.suspicious import HighestMaps


@pytest.fixture
def samples(tmp_path, random):
    """Fifteen pictures of noise, of which three have a bright square, the later ones brighter.

    The noise differs so much among the others that none of them stands out by chance.
    """
    found = []
    for number in range(15):
        pixels = random.normal(100, 4 + number % 5 / 2, (30, 40, 3))
        if number % 5 == 0:
            pixels[8:14, 20:28] += 60 + 10 * number
        path = tmp_path / f"{number}.png"
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
        found.append(Sample(path, anomalous=False))
    return found


def fitted(samples):
    preprocessing = Preprocessing(resize=(24, 32), crop=None)
    return Pipeline(
        Pixels(), RandomChannels(keep=2), Gaussian(), map=AnomalyMap(1.0), preprocessing=preprocessing
    ).fit(samples, progress=False)


def written(samples, folder, most=20):
    pipeline, highest = fitted(samples), HighestMaps(most)
    calibration = calibration_of(
        highest.kept_from(pipeline.predict_left_out(samples, batch_size=4, progress=False)), pipeline
    )
    assert calibration == calibrate(pipeline, samples, batch_size=4, progress=False)
    return highest.write_pictures(pipeline, samples, calibration, folder), calibration


def without(calibration, maps):
    """The calibration as it would be by images of which none is suspicious, with these maps."""
    peak, lowest = float(maps.max()), calibration.maps.quantiles[0][1]
    return replace(calibration, pixel_threshold=peak, map_scale=(lowest, 2 * peak - lowest))


def test_the_pictures_are_those_of_inspections_by_a_model_without_the_image(samples, tmp_path):
    count, calibration = written(samples, tmp_path / "pictures")
    assert count == 3 and [image.path for image in calibration.suspicious] == [
        str(samples[number].path) for number in (10, 5, 0)
    ]
    names = [path.name for path in sorted((tmp_path / "pictures").iterdir())]
    assert names == ["000001-10.png", "000002-5.png", "000003-0.png"]
    left_out = fitted(samples).predict_left_out(samples, batch_size=15, progress=False)
    (maps,) = [prediction.anomaly_maps for *_, prediction in left_out]
    usual = without(calibration, maps[[number for number in range(15) if number % 5]])
    for name, number in zip(names, (10, 5, 0), strict=True):
        other = fitted([sample for sample in samples if sample is not samples[number]])
        inspection = Inspector(other, usual)(samples[number].path)
        assert inspection.regions
        expected = np.asarray(marked(Image.open(samples[number].path), inspection, usual.map_scale))
        found = np.asarray(Image.open(tmp_path / "pictures" / name)).astype(int)
        assert found.shape == (30, 40, 3) and np.abs(found - expected).mean() < 0.5


def test_of_many_the_highest_are_drawn(samples, tmp_path):
    count, _ = written(samples, tmp_path / "pictures", most=2)
    assert count == 2
    names = [path.name for path in sorted((tmp_path / "pictures").iterdir())]
    assert names == ["000001-10.png", "000002-5.png"]


def test_without_suspicious_images_there_is_no_folder(samples, tmp_path):
    left, folder = samples[1:5] + samples[6:10], tmp_path / "8"
    count, calibration = written(left, folder)
    while calibration.suspicious:  # by chance, noise may stand out from noise
        dropped = {image.path for image in calibration.suspicious}
        left = [sample for sample in left if str(sample.path) not in dropped]
        folder = tmp_path / str(len(left))
        count, calibration = written(left, folder)
    assert len(left) > 2 and count == 0 and not folder.exists()
