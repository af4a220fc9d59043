import json

import numpy as np
import pytest
import torch
from PIL import Image

from padimkit.datasets.mvtec_loco import MVTecLOCO
from padimkit.errors import BadArgument, BadData, BadImage
from padimkit.images.preprocessing import Preprocessing
from padimkit.images.reader import Reader

CONFIG = [
    {"defect_name": "missing", "pixel_value": 255, "saturation_threshold": 8, "relative_saturation": False},
    {"defect_name": "scratch", "pixel_value": 254, "saturation_threshold": 0.5, "relative_saturation": True},
    {"defect_name": "cable", "pixel_value": 253, "saturation_threshold": 1.0, "relative_saturation": True},
]


def _write(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)


def _mask(value, rows):
    mask = np.zeros((8, 8), np.uint8)
    mask[rows] = value
    return mask


@pytest.fixture
def box(tmp_path):
    """A small category in the layout of MVTec LOCO AD, whose logical image has two defects that overlap."""
    folder = tmp_path / "box"
    grey = np.full((8, 8, 3), 90, np.uint8)
    for name in ("train/good/000", "validation/good/000", "test/good/000"):
        _write(folder / f"{name}.png", grey)
    _write(folder / "test/logical_anomalies/000.png", grey)
    _write(folder / "test/structural_anomalies/000.png", grey)
    _write(folder / "ground_truth/logical_anomalies/000/000.png", _mask(255, slice(0, 4)))
    _write(folder / "ground_truth/logical_anomalies/000/001.png", _mask(254, slice(3, 5)))
    _write(folder / "ground_truth/structural_anomalies/000/000.png", _mask(253, slice(6, 8)))
    (folder / "defects_config.json").write_text(json.dumps(CONFIG))
    return folder


def _batch(source, size=8):
    (batch,) = Reader(Preprocessing(resize=size, crop=None), 8).batches(source.test())
    return batch


def test_each_mask_is_a_defect_with_the_share_that_is_enough(box):
    batch = _batch(MVTecLOCO(box.parent, "box"))
    assert batch.labels.tolist() == [False, True, True]
    assert [[defect.enough for defect in some] for some in batch.defects] == [[], [0.25, 0.5], [1.0]]
    united = torch.stack([defect.mask for defect in batch.defects[1]]).any(0)
    assert torch.equal(united, batch.masks[1])
    assert [int(defect.mask.sum()) for defect in batch.defects[1]] == [32, 16]


def test_the_share_stays_the_same_at_other_sizes(box):
    batch = _batch(MVTecLOCO(box.parent, "box"), size=16)
    assert [defect.enough for defect in batch.defects[1]] == [0.25, 0.5]
    assert [int(defect.mask.sum()) for defect in batch.defects[1]] == [128, 64]


@pytest.mark.parametrize("kind", ["logical", "structural"])
def test_one_kind_of_anomalies_can_be_tested_alone(box, kind):
    tested = MVTecLOCO(box.parent, "box", anomalies=kind).test()
    assert [sample.path.parent.name for sample in tested] == ["good", f"{kind}_anomalies"]
    with pytest.raises(BadArgument, match='both, logical or structural, got "either"'):
        MVTecLOCO(box.parent, "box", anomalies="either")


def test_training_images_are_those_of_train_alone(box):
    (sample,) = MVTecLOCO(str(box.parent), "box").train()
    assert sample.path == box / "train/good/000.png" and sample.anomalous is False


@pytest.mark.parametrize("content", [None, "{}x", '[{"pixel_value": 255}]'])
def test_a_missing_or_broken_list_of_defects_is_named(box, content):
    (box / "defects_config.json").unlink()
    if content:
        (box / "defects_config.json").write_text(content)
    with pytest.raises(BadData, match='defects_config.json" does not say how defects are marked'):
        MVTecLOCO(box.parent, "box").test()


def test_a_mask_with_two_values_and_one_of_another_size_are_refused(box):
    path = box / "ground_truth/structural_anomalies/000/000.png"
    mixed = _mask(253, slice(6, 8))
    mixed[0, 0] = 255
    _write(path, mixed)
    with pytest.raises(BadImage, match=r"marks one defect, but has 2 values above 0: \[253, 255\]"):
        _batch(MVTecLOCO(box.parent, "box"))
    _write(path, np.full((4, 4), 253, np.uint8))
    with pytest.raises(BadImage, match="is 4 x 4 pixels, but its image"):
        _batch(MVTecLOCO(box.parent, "box"))
