import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from padimkit.datasets.mvtec import MVTec
from padimkit.datasets.rd_mvtec import RdMVTec
from padimkit.errors import BadArgument, BadImage
from padimkit.images.preprocessing import Preprocessing
from padimkit.images.reader import Reader

READER = Reader(Preprocessing(resize=64, crop=48), batch_size=50, workers=0)


def read(root, subset="test", reader=READER, **arguments):
    sides = {"resize": reader.preprocessing.resize, "crop": reader.preprocessing.crop}
    (batch,) = reader.batches(getattr(RdMVTec(root, "stripes", **sides, **arguments), subset)())
    return batch


def test_without_rotation_and_room_to_move_nothing_changes(stripes):
    reader = Reader(Preprocessing(resize=48, crop=48), batch_size=50)
    for subset in ("train", "test"):
        (expected,) = reader.batches(getattr(MVTec(stripes, "stripes"), subset)())
        found = read(stripes, subset, reader, degrees=0.0)
        assert torch.equal(found.images, expected.images)
        assert found.paths == expected.paths and torch.equal(found.labels, expected.labels)
        assert expected.masks is None or torch.equal(found.masks, expected.masks)


@pytest.mark.parametrize("fill", ["black", "edge", "reflect"])
def test_masks_move_with_their_images(stripes, fill):
    """The squares of the test images are far brighter than all else, so that they show where they went."""
    batch = read(stripes, degrees=45.0, fill=fill)
    anomalous = batch.labels.nonzero()[:, 0]
    for image, mask in zip(batch.images[anomalous], batch.masks[anomalous], strict=True):
        bright = ndimage.binary_opening(image.mean(0).numpy() > 0.9)
        mask = mask.numpy()
        if mask.sum() > 30:  # it may have been cropped
            overlap = (bright & mask).sum() / (bright | mask).sum()
            assert overlap > 0.7


def test_training_images_and_places_are_moved_at_random(stripes):
    plain = next(iter(READER.batches(MVTec(stripes, "stripes").train()))).images
    moved = read(stripes, "train").images
    assert all((one - other).abs().max() > 0.05 for one, other in zip(plain, moved, strict=True))


def test_each_seed_has_its_own_moves_which_stay(stripes):
    assert torch.equal(read(stripes, seed=3).images, read(stripes, seed=3).images)
    assert not torch.equal(read(stripes, seed=3).images, read(stripes, seed=4).images)


def test_the_moves_of_an_image_do_not_depend_on_others(stripes):
    before = read(stripes, "train")
    (stripes / "stripes" / "train" / "good" / "000.png").unlink()
    after = read(stripes, "train")
    assert torch.equal(after.images, before.images[1:])


def test_black_corners_are_only_filled_where_asked_for(stripes):
    corners = {
        fill: read(stripes, "train", degrees=45.0, fill=fill).images[:, :, 0, 0] for fill in ("black", "edge")
    }
    assert (corners["black"] == 0).all(1).any()
    assert not (corners["edge"] == 0).all(1).any()


def test_a_mask_of_another_size_is_refused(stripes):
    path = stripes / "stripes" / "ground_truth" / "spot" / "000_mask.png"
    Image.fromarray(np.zeros((10, 12), np.uint8)).save(path)
    with pytest.raises(BadImage, match='000_mask.png" is 12 x 10 pixels'):
        read(stripes)


def test_a_rotation_out_of_range_is_refused(stripes):
    with pytest.raises(BadArgument, match='"degrees" from 0 to 45, got 90'):
        RdMVTec(stripes, "stripes", degrees=90.0)


def test_sides_that_do_not_fit_are_refused(stripes):
    with pytest.raises(BadArgument, match='"crop" <= "resize", got crop 64 and resize 48'):
        RdMVTec(stripes, "stripes", resize=48, crop=64)
