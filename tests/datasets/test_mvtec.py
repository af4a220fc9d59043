import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiff_pages import write_tiff

from padimkit.datasets.mvtec import MVTec
from padimkit.errors import BadData, BadImage
from padimkit.images.preprocessing import Preprocessing
from padimkit.images.reader import Reader

READER = Reader(Preprocessing(resize=8, crop=8), batch_size=3)


def _image(path, value=100):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 8), value).save(path)


@pytest.fixture
def nut(tmp_path):
    """A small category; the mask of bent/000 has its left column set to 1, the lowest value there is."""
    folder = tmp_path / "nut"
    for name in ("train/good/001.png", "train/good/000.png", "train/good/002.JPG"):
        _image(folder / name)
    for name in ("test/scratch/000.png", "test/good/000.png", "test/bent/001.bmp", "test/bent/000.png"):
        _image(folder / name)
    for name in ("scratch/000_mask.png", "bent/001.png"):
        _image(folder / "ground_truth" / name, 255)
    mask = np.zeros((8, 8), dtype=np.uint8)
    mask[:, 0] = 1
    Image.fromarray(mask).save(folder / "ground_truth" / "bent" / "000_mask.png")
    return folder


def _names(batches):
    return ["/".join(Path(path).parts[-3:]) for batch in batches for path in batch.paths]


def _labels(batches):
    return [label for batch in batches for label in batch.labels.tolist()]


def test_train_gives_the_normal_images_sorted(nut):
    batches = READER.batches(MVTec(nut.parent, "nut").train())
    assert _names(batches) == ["train/good/000.png", "train/good/001.png", "train/good/002.JPG"]
    assert _labels(batches) == [False] * 3


def test_test_gives_normal_and_anomalous_images_sorted_with_labels(nut):
    batches = READER.batches(MVTec(nut.parent, "nut").test())
    assert _names(batches) == [
        "test/bent/000.png",
        "test/bent/001.bmp",
        "test/good/000.png",
        "test/scratch/000.png",
    ]
    assert _labels(batches) == [True, True, False, True]


def test_masks_are_true_above_0_and_false_for_normal_images(nut):
    masks = [mask for batch in READER.batches(MVTec(nut.parent, "nut").test()) for mask in batch.masks]
    assert masks[0][:, 0].all() and not masks[0][:, 1:].any()
    assert masks[1].all()
    assert not masks[2].any()
    assert masks[3].all()


def test_a_data_set_can_be_read_again(nut):
    batches = READER.batches(MVTec(nut.parent, "nut").test())
    assert _names(batches) == _names(batches)


def test_nothing_is_read_before_it_is_asked_for(tmp_path):
    assert MVTec(tmp_path / "not yet", "nut").category == "nut"


def test_without_ground_truth_there_are_labels_but_no_masks(nut):
    (nut / "ground_truth").rename(nut / "elsewhere")
    batches = READER.batches(MVTec(nut.parent, "nut").test())
    assert _labels(batches) == [True, True, False, True]
    assert all(batch.masks is None for batch in batches)


def test_masks_of_normal_images_are_passed_over(nut):
    # Some copies of MVTec AD have a single one, of 0 alone.
    for name in ("000_mask.png", "999_mask.png"):
        _image(nut / "ground_truth" / "good" / name, 255)
    samples = MVTec(nut.parent, "nut").test()
    assert [sample.anomalous for sample in samples] == [True, True, False, True]
    assert [sample.mask is None for sample in samples] == [False, False, True, False]


def test_a_missing_mask_is_named(nut):
    mask = nut / "ground_truth" / "scratch" / "000_mask.png"
    mask.unlink()
    with pytest.raises(BadData, match=re.escape(f'The mask "{mask}" is missing.')):
        MVTec(nut.parent, "nut").test()


def test_a_mask_of_another_size_is_refused(nut):
    Image.new("L", (8, 9)).save(nut / "ground_truth" / "scratch" / "000_mask.png")
    with pytest.raises(BadImage, match="8 x 9 pixels"):
        list(READER.batches(MVTec(nut.parent, "nut").test()))


def test_files_that_a_mac_leaves_behind_are_no_images(nut):
    (nut / "train" / "good" / "._000.png").write_bytes(b"Mac OS X")
    (nut / "test" / ".DS_Store").touch()
    assert len(_names(READER.batches(MVTec(nut.parent, "nut").train()))) == 3
    assert len(_names(READER.batches(MVTec(nut.parent, "nut").test()))) == 4


def test_an_image_beside_the_folders_of_the_defects_is_refused(nut):
    _image(nut / "test" / "000.png")
    with pytest.raises(
        BadData, match='000.png" is in no folder of .* Expected "good" or the name of a defect'
    ):
        MVTec(nut.parent, "nut").test()


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_root_that_is_missing_is_named(tmp_path, part):
    with pytest.raises(
        BadData, match=r'gone" is not a folder. Expected the folder that holds the categories'
    ):
        getattr(MVTec(tmp_path / "gone", "nut"), part)()


def test_a_category_that_is_missing_is_named_with_its_near_misses(nut):
    _image(nut.parent / "grid" / "train" / "good" / "000.png")
    with pytest.raises(BadData, match='no category "nuts". Did you mean "nut"[?] It holds: grid, nut.$'):
        MVTec(nut.parent, "nuts").train()
    with pytest.raises(BadData, match='no category "zipper". It holds: grid, nut.$'):
        MVTec(nut.parent, "zipper").train()


def test_a_root_that_holds_no_category_at_all_is_named(tmp_path):
    with pytest.raises(BadData, match='has no category "nut", nor any other'):
        MVTec(tmp_path, "nut").train()


def test_a_root_that_is_a_category_itself_is_named(nut):
    with pytest.raises(BadData, match='it is one itself. Give the folder above it as "root".$'):
        MVTec(nut, "nut").train()


@pytest.mark.parametrize(("part", "folder"), [("train", "train/good"), ("test", "test")])
def test_a_category_without_images_is_refused(nut, part, folder):
    (nut / folder).rename(nut / "elsewhere")
    source = MVTec(nut.parent, "nut")
    with pytest.raises(BadData, match=re.escape(f'"{nut / folder}" is not a folder')):
        getattr(source, part)()
    (nut / folder).mkdir(parents=True)
    with pytest.raises(BadData, match=re.escape(f'"{nut / folder}" holds no images')):
        getattr(source, part)()


@pytest.mark.parametrize(
    ("root", "category", "train", "normal", "anomalous", "masked"),
    [
        ("mvtec_bottle_256", "bottle", 209, 20, 63, True),
        ("mvtec_transistor_256", "transistor", 213, 60, 40, True),
        ("magnetic_tile", "tile", 240, 60, 150, True),
    ],
)
def test_real_data_is_read_whole(shared, root, category, train, normal, anomalous, masked):
    if not (shared / "data" / root).is_dir():
        pytest.skip(f"the real images of {category} are not in {shared / 'data' / root}")
    source = MVTec(shared / "data" / root, category)
    assert len(_names_only(READER.batches(source.train()))) == train
    samples = source.test()
    assert sum(not sample.anomalous for sample in samples) == normal
    assert sum(sample.anomalous for sample in samples) == anomalous
    assert [sample.mask is not None for sample in samples] == [masked and s.anomalous for s in samples]
    reference = json.loads((shared / "data" / "REFERENCE.json").read_text())[category]["scores"]
    assert {"/".join(sample.path.parts[-2:]) for sample in samples} == set(reference)


def _names_only(batches):
    return [sample.path.name for sample in batches.samples]


def test_real_images_are_decoded_with_their_masks(shared):
    batch = next(iter(Reader().batches(MVTec(shared / "data" / "magnetic_tile", "tile").test())))
    assert batch.images.shape == (8, 3, 224, 224) and batch.labels.all()
    assert (batch.masks.flatten(1).sum(1) > 0).sum() >= 6  # a few lie in the border that is cropped off
    path = batch.paths[0]
    expected = np.asarray(Image.open(path).convert("RGB").resize((256, 256), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(
        (batch.images[0] * 255).round().numpy().transpose(1, 2, 0), expected[16:240, 16:240]
    )


@pytest.mark.parametrize("name", ["000_mask.PNG", "000_Mask.bmp", "000.tga", "000_mask.pgm"])
def test_masks_are_found_with_any_suffix_in_any_case(nut, name):
    (nut / "ground_truth/scratch/000_mask.png").rename(nut / "ground_truth/scratch" / name)
    assert MVTec(nut.parent, "nut").test()[-1].mask.name == name


def test_all_masks_in_the_folder_of_an_image_are_united(nut):
    (nut / "ground_truth/scratch/000_mask.png").unlink()
    for name in ("000.png", "001.png"):
        _image(nut / "ground_truth/scratch/000" / name, 255)
    assert [path.name for path in MVTec(nut.parent, "nut").test()[-1].masks] == ["000.png", "001.png"]


def test_masks_are_found_by_a_pattern(nut):
    for path in list((nut / "ground_truth").rglob("*.png")):
        path.rename(path.with_name(f"{path.stem.removesuffix('_mask')}_GT.png"))
    with pytest.raises(BadData, match='found by "mask", a pattern'):
        MVTec(nut.parent, "nut").test()
    samples = MVTec(nut.parent, "nut", mask="{stem}_GT.*").test()
    assert [sample.mask is not None for sample in samples] == [True, True, False, True]
    with pytest.raises(BadData, match='"bent/000.png" has no mask in ".*" with a name like "{stem}_x.png"'):
        MVTec(nut.parent, "nut", mask="{stem}_x.png").test()


def test_the_folders_of_normal_images_may_have_another_name(nut):
    for part in ("train", "test"):
        (nut / part / "good").rename(nut / part / "ok")
        with pytest.raises(BadData, match='has no folder "good". It holds: ok. Pass .* as "normal"'):
            getattr(MVTec(nut.parent, "nut"), "train" if part == "train" else "test")()
    source = MVTec(nut.parent, "nut", normal="OK")
    assert len(source.train()) == 3
    assert [sample.anomalous for sample in source.test()] == [True, True, False, True]


def test_good_is_good_in_any_case(nut):
    for part in ("train", "test"):
        (nut / part / "good").rename(nut / part / "Good")
    source = MVTec(nut.parent, "nut")
    assert len(source.train()) == 3
    assert [sample.anomalous for sample in source.test()] == [False, True, True, True]


def test_defects_behind_links_are_read(nut, tmp_path):
    for part in ("test", "ground_truth"):
        (nut / part / "scratch").rename(tmp_path / f"scratch of {part}")
        (nut / part / "scratch").symlink_to(tmp_path / f"scratch of {part}")
    assert MVTec(nut.parent, "nut").test()[-1].path == nut / "test/scratch/000.png"


def test_pages_have_masks_of_their_own(nut, random):
    write_tiff(nut / "test/bent/scan.tiff", [random.integers(0, 256, (8, 8, 3)).astype("uint8")] * 2)
    _image(nut / "ground_truth/bent/scan[0]_mask.png")
    _image(nut / "ground_truth/bent/scan[1].png")
    found = {sample.path.name: sample.mask.name for sample in MVTec(nut.parent, "nut").test() if sample.mask}
    assert found["scan.tiff[0]"] == "scan[0]_mask.png" and found["scan.tiff[1]"] == "scan[1].png"
