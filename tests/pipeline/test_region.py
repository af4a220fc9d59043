"""A mask of the region of interest is learnt with the model, and outside it nothing counts."""

import numpy as np
import pytest
import torch
from PIL import Image

from padimkit import (
    AnomalyMap,
    Gaussian,
    Identity,
    LongSide,
    MVTec,
    Pipeline,
    Pixels,
    Preprocessing,
    Tiles,
    evaluate,
    load,
    save,
)
from padimkit.cli.main import main
from padimkit.errors import BadImage, BadShape, CannotMerge
from padimkit.values import Scores


@pytest.fixture
def images(tmp_path, random):
    for number in range(6):
        pixels = random.normal(120, 8, (30, 40, 3)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    pixels[4:8, 30:35] = 255  # outside of the mask
    pixels[20:22, 8:10] = 220  # within
    Image.fromarray(pixels).save(tmp_path / "bad.png")
    return tmp_path


@pytest.fixture
def mask(images):
    marked = np.zeros((30, 40), np.uint8)
    marked[10:, :20] = 255
    path = images / "mask.bmp"
    Image.fromarray(marked).save(path)
    return path


def made(mask, **sizes):
    preprocessing = Preprocessing(**{"resize": None, "crop": None, "roi": mask, **sizes})
    return Pipeline(Pixels(), Identity(), Gaussian(), map=AnomalyMap(sigma=1.0), preprocessing=preprocessing)


def fitted(images, mask, **sizes):
    return made(mask, **sizes).fit([images / f"{number}.png" for number in range(6)])


def test_outside_the_region_maps_are_0_and_do_not_count(images, mask):
    everywhere, within = (fitted(images, one).predict(images / "bad.png") for one in (None, mask))
    expected = everywhere.anomaly_maps[0].clone()
    expected[:10] = expected[:, 20:] = 0
    assert torch.equal(within.anomaly_maps[0], expected)
    assert within.image_scores.item() == expected.max() < everywhere.image_scores.item()


def test_scores_below_0_outside_are_not_beaten_by_the_zeros_there():
    region = torch.zeros(4, 4, dtype=torch.bool)
    region[:2] = True
    for kind in ("after", "before"):
        found = AnomalyMap(sigma=0.0, image_score=kind).predict(
            [Scores(torch.full((1, 4, 4), -3.0))], (4, 4), region=region
        )
        assert found.image_scores.item() == pytest.approx(-3)
        assert found.anomaly_maps[0, 2:].abs().max() == 0


def test_a_model_that_is_moved_keeps_the_mask(images, mask, tmp_path):
    pipeline = fitted(images, mask)
    expected = pipeline.predict(images / "bad.png").anomaly_maps
    save(pipeline, tmp_path / "model")
    mask.unlink()
    loaded = load(tmp_path / "model")
    assert torch.equal(loaded.predict(images / "bad.png").anomaly_maps, expected)
    assert loaded.preprocessing.roi == mask
    with pytest.raises(BadImage, match=r'mask\.bmp" does not exist'):
        loaded.fit(images / "0.png")
    assert torch.equal(loaded.predict(images / "bad.png").anomaly_maps, expected)


def test_the_share_looked_at_heeds_mask_crop_and_padding(images, mask):
    assert fitted(images, None).seen((30, 40)) == 1
    assert fitted(images, mask).seen((30, 40)) == pytest.approx(20 * 20 / (30 * 40))
    padded = fitted(images, mask, resize=LongSide(80), pad=(80, 90))
    assert padded.seen((30, 40)) == pytest.approx(20 * 20 / (30 * 40))
    cropped = fitted(images, mask, crop=(20, 20))  # rows 5 to 24, columns 10 to 29
    assert cropped.seen((30, 40)) == pytest.approx(15 * 10 / (30 * 40))


def test_tiles_have_a_region_too(images, mask):
    found = fitted(images, mask, tiles=Tiles(20, 5)).predict(images / "bad.png").anomaly_maps[0]
    assert (found[:10] == 0).all() and (found[:, 20:] == 0).all() and (found[10:, :20] > 0).all()


def test_a_mask_that_does_not_fit_is_refused_and_changes_nothing(images, mask):
    Image.fromarray(np.full((30, 30), 255, np.uint8)).save(mask)
    with pytest.raises(BadShape, match=r'mask\.bmp" \("roi"\) has 30 x 30 .* the images have 30 x 40'):
        fitted(images, mask)
    Image.fromarray(np.zeros((30, 40), np.uint8)).save(mask)
    with pytest.raises(BadImage, match=r'mask\.bmp" \("roi"\) is black where the model looks'):
        fitted(images, mask)


def test_models_of_different_regions_are_not_merged(images, mask):
    first, second = fitted(images, mask), fitted(images, mask)
    first.merge(second)
    Image.fromarray(np.full((30, 40), 255, np.uint8)).save(mask)
    with pytest.raises(CannotMerge, match="mark different regions"):
        first.merge(fitted(images, mask))


def test_files_and_the_command_line_take_a_box_or_a_mask_and_say_what_they_leave_out(
    stripes, tmp_path, capsys
):
    words = ["padim-filter-bank", "--data=mvtec", f"--data.root={stripes}", "--data.category=stripes"]
    words += ["--pipeline.preprocessing.resize=40", "--pipeline.preprocessing.crop=null"]
    mask = stripes / "stripes" / "ground_truth" / "spot" / "000_mask.png"
    for number, (roi, expected) in enumerate((("[4,4,44,44]", (4, 4, 44, 44)), (str(mask), mask))):
        folder = tmp_path / f"model{number}"
        assert main(["fit", *words, f"--pipeline.preprocessing.roi={roi}", f"--output={folder}"]) == 0
        assert load(folder).preprocessing.roi == expected
        seen = load(folder).seen((48, 48))
        assert f"does not look at {1 - seen:.1%} of an image" in capsys.readouterr().out
        assert main(["info", str(folder)]) == 0
        assert f"{seen:.1%} of an image" in capsys.readouterr().out
    assert evaluate(load(folder), MVTec(stripes, "stripes").test()).metrics["image_auroc"] >= 0


def test_a_padding_that_is_not_even_is_told_from_the_image(images, mask):
    odd = fitted(images, mask, resize=LongSide(80), pad=(81, 91))
    assert odd.seen((30, 40)) == pytest.approx(20 * 20 / (30 * 40))
