import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiff_pages import write_tiff

from padimkit.datasets.folder import Folder
from padimkit.errors import BadArgument, BadData, BadImage
from padimkit.images.preprocessing import Preprocessing
from padimkit.images.reader import Reader

READER = Reader(Preprocessing(resize=8, crop=8), batch_size=4)


def _images(folder, *names, value=100):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), value).save(folder / name)
    return folder


@pytest.fixture
def normal(tmp_path):
    return _images(tmp_path / "normal", *(f"day{day}/{number}.png" for day in (1, 2) for number in range(10)))


@pytest.fixture
def anomalous(tmp_path):
    return _images(tmp_path / "anomalous", "bent/7.jpg", "bent/8.jpg", "torn.png")


@pytest.fixture
def masks(tmp_path):
    return _images(tmp_path / "masks", "bent/7.png", "bent/8_mask.bmp", "torn_mask.png", value=255)


def _split(source, folder):
    read = {str(path) for batch in READER.batches(source.train()) for path in batch.paths}
    tested = {path for batch in READER.batches(source.test()) for path in batch.paths}
    return read, {path for path in tested if Path(path).is_relative_to(folder)}


def test_all_of_a_lone_folder_is_for_training(normal):
    batches = list(READER.batches(Folder(normal).train()))
    assert [path for batch in batches for path in batch.paths] == sorted(map(str, normal.rglob("*.png")))
    assert not any(batch.labels.any() for batch in batches)


def test_a_lone_folder_has_no_test_set(normal):
    with pytest.raises(BadData, match='nothing to test on: .* Give "anomalous", "test_normal" or both'):
        Folder(normal).test()


def test_a_fifth_is_held_out_where_there_are_anomalous_images(normal, anomalous):
    trained, tested = _split(Folder(normal, anomalous), normal)
    assert len(trained) == 16 and len(tested) == 4
    assert trained.isdisjoint(tested)
    assert trained | tested == set(map(str, normal.rglob("*.png")))


def test_normal_images_come_before_anomalous_ones(normal, anomalous):
    batches = list(READER.batches(Folder(normal, anomalous).test()))
    assert [label for batch in batches for label in batch.labels.tolist()] == [False] * 4 + [True] * 3
    assert all(batch.masks is None for batch in batches)


@pytest.mark.parametrize(("held_out", "count"), [(0.001, 1), (0.5, 10), (0.999, 19)])
def test_at_least_one_image_is_held_out_and_one_is_left(normal, anomalous, held_out, count):
    trained, tested = _split(Folder(normal, anomalous, held_out=held_out), normal)
    assert (len(trained), len(tested)) == (20 - count, count)


def test_what_is_held_out_depends_on_the_seed_and_not_on_the_place(normal, anomalous, tmp_path):
    def held_out(folder, seed):
        _, tested = _split(Folder(folder, anomalous, seed=seed), folder)
        return {Path(path).relative_to(folder) for path in tested}

    elsewhere = shutil.copytree(normal, tmp_path / "elsewhere")
    assert held_out(normal, 0) == held_out(normal, 0) == held_out(elsewhere, 0)
    assert held_out(normal, 0) != held_out(normal, 1)


def test_hardly_an_image_changes_sides_when_others_are_added(tmp_path, anomalous):
    folder = _images(tmp_path / "growing", *(f"{number}.png" for number in range(50)))
    _, before = _split(Folder(folder, anomalous), folder)
    _images(folder, *(f"{number}.png" for number in range(50, 60)))
    _, after = _split(Folder(folder, anomalous), folder)
    assert len(before - after) <= 4


def test_with_normal_images_to_test_on_none_is_held_out(normal, anomalous, tmp_path):
    other = _images(tmp_path / "other", "1.png", "2.png")
    source = Folder(normal, anomalous, test_normal=other)
    trained, tested = _split(source, other)
    assert len(trained) == 20 and len(tested) == 2
    assert sum(len(batch.paths) for batch in READER.batches(source.test())) == 5


def test_normal_images_alone_can_be_tested_on(normal, tmp_path):
    other = _images(tmp_path / "other", "1.png", "2.png")
    (batch,) = READER.batches(Folder(normal, test_normal=other).test())
    assert batch.labels.tolist() == [False, False]


def test_masks_are_found_by_path_with_any_suffix(normal, anomalous, masks):
    samples = Folder(normal, anomalous, masks).test()
    found = {sample.path.name: sample.mask for sample in samples if sample.anomalous}
    assert found == {
        "7.jpg": masks / "bent" / "7.png",
        "8.jpg": masks / "bent" / "8_mask.bmp",
        "torn.png": masks / "torn_mask.png",
    }


def test_masks_are_read(normal, anomalous, masks):
    for batch in READER.batches(Folder(normal, anomalous, masks).test()):
        assert (batch.masks.flatten(1).all(dim=1) == batch.labels).all()


def test_a_missing_mask_is_named(normal, anomalous, masks):
    (masks / "bent" / "7.png").unlink()
    expected = f'"bent/7.jpg" has no mask in "{masks}". Expected "bent/7.png" or "bent/7_mask.png" there'
    with pytest.raises(BadData, match=re.escape(expected)):
        Folder(normal, anomalous, masks).test()


def test_pages_have_masks_of_their_own(normal, anomalous, masks, random):
    pages = [random.integers(0, 256, (8, 8, 3)).astype("uint8") for _ in range(3)]
    write_tiff(anomalous / "scan.tiff", pages)
    write_tiff(masks / "scan.tif", pages)
    write_tiff(anomalous / "other.tiff", pages[:2])
    _images(masks, "other[0].png", "other[1]_mask.png")
    found = {sample.path.name: sample.mask for sample in Folder(normal, anomalous, masks).test()}
    expected = {f"scan.tiff[{number}]": masks / f"scan.tif[{number}]" for number in range(3)}
    assert expected.items() <= found.items()
    assert found["other.tiff[0]"] == masks / "other[0].png"
    assert found["other.tiff[1]"] == masks / "other[1]_mask.png"
    (masks / "other[1]_mask.png").unlink()
    with pytest.raises(BadData, match=re.escape('Expected "other[1].png" or "other[1]_mask.png"')):
        Folder(normal, anomalous, masks).test()


def test_two_masks_for_one_image_are_refused(normal, anomalous, masks):
    _images(masks, "torn.png")
    with pytest.raises(
        BadData, match=r'"torn.png" has several masks: \S+torn.png, \S+torn_mask.png. Keep one'
    ):
        Folder(normal, anomalous, masks).test()


MASKS = [
    ("{stem}_GT.*", "bent/7_gt.PNG"),
    ("{stem}_label.png", "bent/7_label.PNG"),
    ("mask_{stem}.*", "bent/Mask_7.png"),
    ("{name}.png", "bent/7.jpg.png"),
    ("{stem}_*.png", "bent/7_a_b.png"),
    ("{stem}-?.*", "bent/7-1.tga"),
    ("{stem}/*", "bent/7/000.png"),
    ("{stem}/gt.*", "bent/7/gt.bmp"),
]


@pytest.mark.parametrize(("pattern", "name"), MASKS)
def test_masks_are_found_by_a_pattern(normal, tmp_path, pattern, name):
    anomalous = _images(tmp_path / "bad", "bent/7.jpg")
    masks = _images(tmp_path / "truth", name, "bent/8_gt.png", "other/7_gt.png")
    (sample,) = [one for one in Folder(normal, anomalous, masks, mask=pattern).test() if one.anomalous]
    assert sample.mask == masks / name


def test_a_mask_belongs_to_the_longest_name_that_fits(normal, tmp_path):
    anomalous = _images(tmp_path / "bad", "7.jpg", "7_a.jpg")
    masks = _images(tmp_path / "truth", "7_a_b.png", "7_b.png")
    found = {one.path.name: one.masks for one in Folder(normal, anomalous, masks, mask="{stem}_*").test()}
    assert found["7.jpg"] == (masks / "7_b.png",) and found["7_a.jpg"] == (masks / "7_a_b.png",)


def test_several_masks_of_a_pattern_are_united(normal, tmp_path, random):
    anomalous = _images(tmp_path / "bad", "7.png")
    drawn = random.random((3, 8, 8)) > 0.7
    for number, one in enumerate(drawn):
        (tmp_path / "truth" / "7").mkdir(parents=True, exist_ok=True)
        Image.fromarray(one.astype("uint8") * 255).save(tmp_path / "truth" / "7" / f"{number}.png")
    source = Folder(normal, anomalous, tmp_path / "truth", mask="{stem}/*.png")
    *_, batch = READER.batches(source.test())
    assert (batch.masks[-1].numpy() == drawn.any(axis=0)).all()
    assert len(source.test()[-1].masks) == 3
    Image.new("L", (9, 8)).save(tmp_path / "truth" / "7" / "1.png")
    with pytest.raises(BadImage, match='1.png" is 9 x 8 pixels, but ".*0.png" of the same image is 8 x 8'):
        list(READER.batches(source.test()))


def test_a_mask_that_no_name_fits_is_named_with_the_pattern(normal, anomalous, masks):
    with pytest.raises(
        BadData, match=re.escape('"bent/7.jpg" has no mask in') + ".*" + re.escape("{stem}_GT.*")
    ):
        Folder(normal, anomalous, masks, mask="{stem}_GT.*").test()


@pytest.mark.parametrize("pattern", ["", "mask.png", "{stem}{stem}", "*{stem}", "{stem}_{name}", "{stem}{x}"])
def test_a_pattern_without_one_place_for_the_image_is_refused(normal, anomalous, masks, pattern):
    with pytest.raises(BadArgument, match=re.escape(f'"mask" is "{pattern}"; expected')):
        Folder(normal, anomalous, masks, mask=pattern)


def test_a_pattern_without_masks_is_refused(normal, anomalous):
    with pytest.raises(BadArgument, match='"mask" was given without "masks"'):
        Folder(normal, anomalous, mask="{stem}.*")


def test_folders_may_begin_with_the_home(normal, monkeypatch):
    monkeypatch.setenv("HOME", str(normal.parent))
    assert len(Folder("~/normal").train()) == 20


def test_names_that_are_not_utf_8_may_be_held_out(anomalous, tmp_path):
    folder = _images(tmp_path / "latin", *(os.fsdecode(b"caf\xe9%d.png" % number) for number in range(10)))
    trained, tested = _split(Folder(folder, anomalous), folder)
    assert (len(trained), len(tested)) == (8, 2)


ODD = [
    (0, r"marks nothing"),
    (255, r"marks 100 % of its image, .* Is it inverted"),
    (np.where(np.arange(64).reshape(8, 8) < 4, 0, 1), r"marks 94 % of its image"),
    (np.arange(64).reshape(8, 8) % 3, r"has 3 values, and all above 0 is anomalous"),
]


@pytest.mark.parametrize(("values", "said"), ODD)
def test_an_odd_mask_is_named(normal, tmp_path, caplog, values, said):
    anomalous = _images(tmp_path / "bad", "7.png")
    (tmp_path / "truth").mkdir()
    pixels = np.broadcast_to(np.asarray(values, dtype=np.uint8), (8, 8))
    Image.fromarray(pixels).save(tmp_path / "truth" / "7.png")
    batches = READER.batches(Folder(normal, anomalous, tmp_path / "truth").test())
    for once in (batches, batches, batches.only(lambda _: True)):  # each loop decodes them anew
        list(once)
    (found,) = caplog.messages
    assert re.search(rf'The mask "\S+7.png" {said}', found)


@pytest.mark.parametrize("kind", ["L", "1", "RGB"])
def test_a_plain_mask_is_not_doubted(normal, tmp_path, caplog, kind):
    anomalous = _images(tmp_path / "bad", "7.png")
    (tmp_path / "truth").mkdir()
    marked = np.zeros((8, 8), dtype=np.uint8)
    marked[2:4] = 255
    Image.fromarray(marked).convert(kind).save(tmp_path / "truth" / "7.png")
    list(READER.batches(Folder(normal, anomalous, tmp_path / "truth").test()))
    assert caplog.messages == []


def test_masks_without_anomalous_images_are_refused(normal, masks):
    with pytest.raises(BadArgument, match='"masks" was given without "anomalous"'):
        Folder(normal, masks=masks)


@pytest.mark.parametrize("held_out", [-0.1, 0.0, 1.0, float("nan")])
def test_holding_out_none_or_all_is_refused(normal, held_out):
    with pytest.raises(BadArgument, match=f'Expected "held_out" between 0 and 1, got {held_out}'):
        Folder(normal, held_out=held_out)


def test_one_image_cannot_be_split(tmp_path, anomalous):
    one = _images(tmp_path / "one", "1.png")
    for part in ("train", "test"):
        with pytest.raises(BadData, match=r'one" holds one image only, so none can be held out'):
            getattr(Folder(one, anomalous), part)()


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_folder_inside_another_is_refused(normal, anomalous, part):
    below = _images(normal / "bad", "1.png")
    with pytest.raises(BadData, match=r'bad" \("anomalous"\) is inside "\S+" \("normal"\)'):
        getattr(Folder(normal, below), part)()
    inside = _images(anomalous / "masks", "torn.png")
    with pytest.raises(BadData, match=r'\("masks"\) is inside "\S+" \("anomalous"\)'):
        getattr(Folder(normal, anomalous, inside), part)()


def test_one_folder_for_two_things_is_refused_even_behind_a_link(normal, tmp_path):
    (tmp_path / "link").symlink_to(normal)
    with pytest.raises(BadData, match=r'\("normal"\)'):
        Folder(normal, test_normal=tmp_path / "link").test()


@pytest.mark.parametrize("name", ["normal", "anomalous", "masks", "test_normal"])
def test_a_missing_folder_is_named(normal, anomalous, masks, tmp_path, name):
    given = {"normal": normal, "anomalous": anomalous, "masks": masks, name: tmp_path / "gone"}
    with pytest.raises(BadData, match=re.escape(f'"{tmp_path / "gone"}" is not a folder')):
        Folder(**given).test()


def test_real_data_in_plain_folders(shared):
    tile = shared / "data" / "magnetic_tile" / "tile"
    source = Folder(tile / "train", tile / "test" / "crack", tile / "ground_truth" / "crack", held_out=0.25)
    assert len(source.train()) == 180
    samples = source.test()
    assert len(samples) == 60 + 30
    assert all((sample.mask is not None) == sample.anomalous for sample in samples)
