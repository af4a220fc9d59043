import pickle
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from campus import HEIGHT, TEST, TRAIN, WIDTH, number_in, picture, save, write_frames
from PIL import Image

from padimkit.contracts import DataSource
from padimkit.datasets.shanghaitech.dataset import ShanghaiTech
from padimkit.errors import BadArgument, BadData, BadImage
from padimkit.images.preprocessing import Preprocessing
from padimkit.images.reader import Reader
from padimkit.testing.pytest import contract_checks

READER = Reader(Preprocessing(resize=48, crop=48), batch_size=5, workers=0)


def numbers_in(batches):
    return [number_in(image.mean(0).numpy()) for batch in batches for image in batch.images]


def numbers_of(campus, names, *, every=1):
    return [number for name in names for number in campus.numbers[name][::every]]


def paths_in(batches):
    return [path for batch in batches for path in batch.paths]


def labels_in(batches):
    return [label for batch in batches for label in batch.labels.tolist()]


def extract(campus, names=TRAIN):
    for name in names:
        write_frames(campus.root / "training" / "frames" / name, campus.numbers[name])
    return campus.root / "training" / "frames"


def rewrite(path, change):
    save(path, change(np.load(path, allow_pickle=False)))


@contract_checks(DataSource)
def test_frames_that_were_extracted_meet_the_contract(check, drawn_campus, tmp_path):
    root = tmp_path / "extracted"
    (root / "testing").mkdir(parents=True)
    for name in ("frames", "test_frame_mask"):  # and no test_pixel_mask
        (root / "testing" / name).symlink_to(drawn_campus.root / "testing" / name)
    for name in TRAIN:
        write_frames(root / "training" / "frames" / name, drawn_campus.numbers[name])
    check(lambda: ShanghaiTech(root, scene=1, train_every=3))


def test_train_gives_every_frame_of_every_video_in_order(campus):
    batches = list(READER.batches(ShanghaiTech(campus.root).train()))
    assert numbers_in(batches) == numbers_of(campus, TRAIN)
    assert not any(labels_in(batches))
    videos = campus.root / "training" / "videos"
    assert paths_in(batches)[:2] == [str(videos / "01_001.avi" / n) for n in ("00000", "00001")]


def test_test_gives_every_frame_with_its_label(campus):
    batches = list(READER.batches(ShanghaiTech(campus.root).test()))
    assert numbers_in(batches) == numbers_of(campus, TEST)
    assert labels_in(batches) == [bool(label) for name in TEST for label in campus.labels[name]]
    assert paths_in(batches)[1] == str(campus.root / "testing" / "frames" / "01_0014" / "001.jpg")


def test_one_scene_is_read_alone(campus):
    source = ShanghaiTech(campus.root, scene=1)
    assert numbers_in(READER.batches(source.train())) == numbers_of(campus, TRAIN[:2])
    assert numbers_in(READER.batches(source.test())) == numbers_of(campus, TEST[:2])


def test_every_nth_frame_of_each_video_is_read(campus, random):
    train, test = random.integers((2, 2), (52, 14)).tolist()
    source = ShanghaiTech(campus.root, train_every=train, test_every=test)
    assert numbers_in(READER.batches(source.train())) == numbers_of(campus, TRAIN, every=train)
    batches = list(READER.batches(source.test()))
    assert numbers_in(batches) == numbers_of(campus, TEST, every=test)
    assert labels_in(batches) == [bool(label) for name in TEST for label in campus.labels[name][::test]]
    masks = np.concatenate([campus.masks[name][::test] for name in TEST])
    assert [mask.any() for mask in masks] == [bool(mask.any()) for batch in batches for mask in batch.masks]


@pytest.mark.parametrize("kind", [np.uint8, np.bool_, np.int64, np.float64])
def test_masks_are_those_of_their_frames(campus, kind):
    for name in TEST:
        rewrite(campus.root / "testing" / "test_pixel_mask" / f"{name}.npy", lambda masks: masks.astype(kind))
        rewrite(
            campus.root / "testing" / "test_frame_mask" / f"{name}.npy", lambda labels: labels.astype(kind)
        )
    batches = READER.batches(ShanghaiTech(campus.root).test())
    expected = np.concatenate([campus.masks[name] for name in TEST])
    opened = [np.asarray(sample.open_mask(sample.mask)) for sample in batches.samples]
    np.testing.assert_array_equal(opened, expected * 255)
    resized = [Image.fromarray(mask).resize((48, 48), Image.Resampling.NEAREST) for mask in expected]
    found = torch.cat([batch.masks for batch in batches])
    np.testing.assert_array_equal(found, np.stack(resized) > 0)


def test_a_mask_is_true_above_0(campus):
    rewrite(campus.root / "testing" / "test_pixel_mask" / "02_0128.npy", lambda masks: masks * 7)
    samples = ShanghaiTech(campus.root, scene=2).test()
    opened = [np.asarray(sample.open_mask(sample.mask)) for sample in samples]
    np.testing.assert_array_equal(opened, campus.masks["02_0128"] * 255)


def test_pixels_are_measured_by_the_masks_where_labels_disagree(campus):
    path = campus.root / "testing" / "test_frame_mask" / "02_0128.npy"
    rewrite(path, np.zeros_like)
    batches = list(READER.batches(ShanghaiTech(campus.root, scene=2).test()))
    assert not any(labels_in(batches))
    assert [bool(mask.any()) for batch in batches for mask in batch.masks] == [
        bool(label) for label in campus.labels["02_0128"]
    ]


def test_without_test_pixel_mask_there_are_labels_but_no_masks(campus):
    shutil.rmtree(campus.root / "testing" / "test_pixel_mask")
    batches = list(READER.batches(ShanghaiTech(campus.root).test()))
    assert any(labels_in(batches)) and not all(labels_in(batches))
    assert all(batch.masks is None for batch in batches)


def test_frames_that_were_extracted_give_nearly_the_same_images(campus):
    decoded = list(READER.batches(ShanghaiTech(campus.root, train_every=3).train()))
    extract(campus)
    for video in (campus.root / "training" / "videos").iterdir():
        video.write_bytes(b"not opened")
    extracted = list(READER.batches(ShanghaiTech(campus.root, train_every=3).train()))
    assert numbers_in(extracted) == numbers_in(decoded) == numbers_of(campus, TRAIN, every=3)
    assert not any(labels_in(extracted))
    assert paths_in(extracted)[1] == str(campus.root / "training" / "frames" / "01_001" / "003.jpg")
    one, other = (torch.cat([batch.images for batch in batches]) for batches in (decoded, extracted))
    assert (one - other).abs().mean() < 0.02


def test_some_frames_are_drawn_from_all_videos(campus):
    """The same of videos and of extracted frames; each in its place, none twice."""
    total = len(numbers_of(campus, TRAIN))
    sources = [ShanghaiTech(campus.root, train_frames=total // 3, seed=seed) for seed in (0, 0, 1)]
    decoded = [numbers_in(READER.batches(source.train())) for source in sources]
    every, places = numbers_of(campus, TRAIN), []
    for found in decoded:
        places.append([every.index(number) for number in found])
        assert places[-1] == sorted(set(places[-1])) and len(found) == total // 3
    assert decoded[0] == decoded[1] != decoded[2]
    ends = np.cumsum([len(campus.numbers[name]) for name in TRAIN])
    assert {int(video) for video in np.searchsorted(ends, np.concatenate(places), "right")} == {0, 1, 2, 3}
    extract(campus)
    assert numbers_in(READER.batches(sources[0].train())) == decoded[0]
    few = ShanghaiTech(campus.root, scene=1, train_every=4, train_frames=2)
    assert len(few.train()) == 2 and {path.path.parent.name[:2] for path in few.train()} == {"01"}


def test_more_frames_than_there_are_cannot_be_drawn(campus):
    total = len(numbers_of(campus, TRAIN))
    assert len(ShanghaiTech(campus.root, train_frames=total).train()) == total
    message = f'"train_frames" is {total + 1}, but there are {total} training frames'
    with pytest.raises(BadData, match=message):
        ShanghaiTech(campus.root, train_frames=total + 1).train()
    with pytest.raises(BadArgument, match='"train_frames" of at least 1, got 0'):
        ShanghaiTech(campus.root, train_frames=0)


def test_frames_are_sorted_by_number(campus):
    folder = campus.root / "testing" / "frames" / "02_0128"
    for number in range(len(campus.numbers["02_0128"])):
        (folder / f"{number:03}.jpg").rename(folder / f"{number + 995}.jpg")
    batches = list(READER.batches(ShanghaiTech(campus.root, scene=2).test()))
    assert [path.rpartition("/")[2] for path in paths_in(batches)][4:6] == ["999.jpg", "1000.jpg"]
    assert numbers_in(batches) == campus.numbers["02_0128"]


def test_what_a_mac_leaves_behind_is_ignored(campus):
    extract(campus)
    for folder in ("training/videos", "training/frames", "training/frames/01_001", "testing/frames/01_0014"):
        (campus.root / folder / "._001.jpg").write_bytes(b"Mac OS X")
    for folder in ("testing/frames", "testing/test_frame_mask", "testing/test_pixel_mask"):
        (campus.root / folder / ".DS_Store").touch()
    source = ShanghaiTech(campus.root)
    assert len(paths_in(READER.batches(source.train()))) == len(numbers_of(campus, TRAIN))
    assert len(paths_in(READER.batches(source.test()))) == len(numbers_of(campus, TEST))


@pytest.mark.parametrize(
    ("arguments", "found"), [({"train_every": 0}, "0 and 1"), ({"test_every": -2}, "1 and -2")]
)
def test_steps_below_1_are_refused(tmp_path, arguments, found):
    with pytest.raises(BadArgument, match=f'"test_every" of at least 1, got {found}.'):
        ShanghaiTech(tmp_path, **arguments)


def test_nothing_is_read_before_it_is_asked_for(tmp_path):
    assert ShanghaiTech(tmp_path / "not yet").scene is None


def test_a_scene_without_test_videos_is_refused_with_those_that_have_some(campus):
    source = ShanghaiTech(campus.root, scene=13)
    assert numbers_in(READER.batches(source.train())) == campus.numbers["13_001"]
    with pytest.raises(
        BadData, match=r'testing/frames" holds no video of scene 13. .*"scene" that has videos \(1, 2\)'
    ):
        source.test()


@pytest.mark.parametrize("scene", [0, 3, 14])
def test_a_scene_that_is_not_there_is_refused_with_those_that_are(campus, scene):
    with pytest.raises(
        BadData, match=rf'videos" holds no video of scene {scene}. .*"scene" that has videos \(1, 2, 13\)'
    ):
        ShanghaiTech(campus.root, scene=scene).train()
    extract(campus)
    with pytest.raises(
        BadData, match=rf'frames" holds no video of scene {scene}. .*"scene" that has videos \(1, 2, 13\)'
    ):
        ShanghaiTech(campus.root, scene=scene).train()


@pytest.mark.parametrize("part", ["train", "test"])
def test_missing_parts_are_named(campus, part):
    shutil.rmtree(campus.root / f"{part}ing")
    with pytest.raises(BadData, match=rf'campus" has no folder "{part}ing"'):
        getattr(ShanghaiTech(campus.root), part)()
    with pytest.raises(BadData, match=rf'gone" has no folder "{part}ing"'):
        getattr(ShanghaiTech(campus.root / "gone"), part)()


@pytest.mark.parametrize("name", ["frames", "test_frame_mask"])
def test_missing_and_empty_folders_are_named(campus, name):
    folder = campus.root / "testing" / name
    shutil.rmtree(folder)
    with pytest.raises(
        BadData, match=re.escape(f'"{folder}" is not a folder. Expected one that holds "01_0001')
    ):
        ShanghaiTech(campus.root).test()
    folder.mkdir()
    with pytest.raises(BadData, match=re.escape(f'"{folder}" is empty.')):
        ShanghaiTech(campus.root).test()


def test_training_without_videos_and_frames_is_refused(campus):
    folder = campus.root / "training"
    shutil.rmtree(folder / "videos")
    with pytest.raises(BadData, match='training" has neither a folder "frames" nor "videos"'):
        ShanghaiTech(campus.root).train()
    (folder / "videos").mkdir()
    with pytest.raises(BadData, match='videos" is empty. Expected "01_001.avi"'):
        ShanghaiTech(campus.root).train()


def test_a_video_without_a_folder_of_frames_is_named(campus):
    frames = extract(campus, TRAIN[1:])
    advice = f'01_001 (1 of 4 videos) have no folder of frames in "{frames}"'
    with pytest.raises(BadData, match=re.escape(advice)):
        ShanghaiTech(campus.root).train()


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("train", "training/videos/1_001.avi"),
        ("train", "training/videos/01_0001.avi"),
        ("train", "training/videos/01_001.mp4"),
        ("train", "training/videos/01_001_avi"),
        ("train", "training/frames/01_001.jpg"),
        ("test", "testing/frames/notes.txt"),
        ("test", "testing/test_frame_mask/01_014.npy"),
        ("test", "testing/test_pixel_mask/01_0014.npz"),
    ],
)
def test_names_that_are_none_of_a_video_are_refused(campus, part, name):
    extract(campus)
    path = campus.root / name
    path.touch()
    with pytest.raises(BadData, match=re.escape(f'"{path}" is not named like "01_')):
        getattr(ShanghaiTech(campus.root), part)()


def test_a_file_where_the_frames_of_a_video_should_be_is_refused(campus):
    (campus.root / "testing" / "frames" / "02_0129").touch()
    save(campus.root / "testing" / "test_frame_mask" / "02_0129.npy", np.zeros(1))
    save(campus.root / "testing" / "test_pixel_mask" / "02_0129.npy", np.zeros((1, HEIGHT, WIDTH)))
    with pytest.raises(BadData, match='02_0129" is not a folder. Expected one that holds "000.jpg"'):
        ShanghaiTech(campus.root).test()


@pytest.mark.parametrize("name", ["Thumbs.db", "frame_001.jpg", "012.npy", "٣.jpg"])
def test_files_that_are_no_frames_are_refused(campus, name):
    path = campus.root / "testing" / "frames" / "01_0015" / name
    path.touch()
    with pytest.raises(BadData, match=re.escape(f'"{path}" is not a frame')):
        ShanghaiTech(campus.root).test()


@pytest.mark.parametrize("part", ["train", "test"])
def test_frames_that_are_missing_or_there_twice_are_refused(campus, part):
    name = {"train": "01_001", "test": "01_0014"}[part]
    folder = (extract(campus).parents[1] / f"{part}ing" / "frames") / name
    (folder / "005.jpg").rename(folder / "4.jpg")
    with pytest.raises(BadData, match=re.escape(f'In "{folder}", "4.jpg" follows number 4.')):
        getattr(ShanghaiTech(campus.root), part)()
    (folder / "4.jpg").unlink()
    with pytest.raises(BadData, match=re.escape(f'In "{folder}", "006.jpg" follows number 4.')):
        getattr(ShanghaiTech(campus.root), part)()


@pytest.mark.parametrize("changed", ["frames", "labels", "masks"])
def test_numbers_of_frames_labels_and_masks_that_differ_are_refused(campus, changed):
    testing, count = campus.root / "testing", len(campus.numbers["02_0128"])
    labels, masks = (testing / f"test_{kind}_mask" / "02_0128.npy" for kind in ("frame", "pixel"))
    if changed == "frames":
        (testing / "frames" / "02_0128" / f"{count - 1:03}.jpg").unlink()
    else:
        rewrite(labels if changed == "labels" else masks, lambda array: array[:-1])
    found = [count - (changed == kind) for kind in ("frames", "labels", "masks")]
    text = (
        f'There are {found[0]} frames in "{testing / "frames" / "02_0128"}", {found[1]} labels in "{labels}" '
        f'and {found[2]} masks in "{masks}".'
    )
    with pytest.raises(BadData, match=re.escape(text)):
        ShanghaiTech(campus.root).test()
    shutil.rmtree(testing / "test_pixel_mask")
    if changed != "masks":
        with pytest.raises(BadData, match=re.escape(text.rpartition(" and ")[0])):
            ShanghaiTech(campus.root).test()


@pytest.mark.parametrize(
    ("folder", "words"), [("test_frame_mask", "but no labels"), ("test_pixel_mask", "no masks")]
)
def test_videos_without_labels_or_masks_are_named(campus, folder, words):
    (campus.root / "testing" / folder / "01_0015.npy").unlink()
    with pytest.raises(BadData, match=rf'01_0015 \(1 of 3 videos\) have .*{words} in ".*{folder}"'):
        ShanghaiTech(campus.root).test()
    assert len(ShanghaiTech(campus.root, scene=2).test()) == len(campus.numbers["02_0128"])


def test_half_of_the_test_set_is_refused(campus):
    shutil.rmtree(campus.root / "testing" / "frames" / "02_0128")
    with pytest.raises(BadData, match=r"02_0128 \(1 of 3 videos\) have labels but no frames"):
        ShanghaiTech(campus.root).test()
    ShanghaiTech(campus.root, scene=1).test()


@pytest.mark.parametrize(
    ("count", "found"),
    [(3, "01_0022 (3 of 6 videos) have labels"), (5, "01_0022 and 2 more (5 of 8 videos) have")],
)
def test_of_many_missing_videos_three_are_named(campus, count, found):
    for number in range(20, 20 + count):
        save(campus.root / "testing" / "test_frame_mask" / f"01_00{number}.npy", np.zeros(1))
    with pytest.raises(BadData, match="^01_0020, 01_0021, " + re.escape(found)):
        ShanghaiTech(campus.root).test()


class Trap:
    """Tells when it is unpickled."""

    def __reduce__(self):
        return pytest.fail, ("unpickled",)


def pickled(path):
    path.write_bytes(pickle.dumps(Trap()))


def objects(path):
    np.save(path, np.array([Trap()], dtype=object), allow_pickle=True)


def archive(path):
    with path.open("wb") as file:
        np.savez(file, masks=np.zeros(1))


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def torn_head(path):
    path.write_bytes(path.read_bytes().replace(b"}", b"("))


@pytest.mark.parametrize(
    "damage", [pickled, objects, archive, cut, torn_head, lambda path: path.write_bytes(b"")]
)
@pytest.mark.parametrize("folder", ["test_frame_mask", "test_pixel_mask"])
def test_files_that_are_no_arrays_are_refused(campus, folder, damage):
    path = campus.root / "testing" / folder / "01_0015.npy"
    damage(path)
    with pytest.raises(BadImage, match=re.escape(f'"{path}" cannot be read as a NumPy array: ')):
        ShanghaiTech(campus.root).test()


@pytest.mark.parametrize(
    ("folder", "array", "found"),
    [
        ("test_frame_mask", np.zeros((7, 1)), "float64 of shape (7, 1); expected numbers of shape (frames)."),
        ("test_frame_mask", np.array(["0", "1"]), "<U1 of shape (2,)"),
        (
            "test_pixel_mask",
            np.zeros((7, 2), int),
            "int64 of shape (7, 2); expected numbers of shape (frames, h",
        ),
    ],
)
def test_arrays_of_another_shape_or_kind_are_refused(campus, folder, array, found):
    path = campus.root / "testing" / folder / "01_0015.npy"
    save(path, array)
    with pytest.raises(BadImage, match=re.escape(f'"{path}" holds {found}')):
        ShanghaiTech(campus.root).test()


def test_labels_other_than_0_and_1_are_refused(campus):
    rewrite(campus.root / "testing" / "test_frame_mask" / "01_0015.npy", lambda labels: labels * 255)
    with pytest.raises(BadImage, match='01_0015.npy" has values from 0 to 255; expected 0 and 1 only.'):
        ShanghaiTech(campus.root).test()


def test_a_mask_of_another_size_is_refused_with_its_frame(campus):
    path = campus.root / "testing" / "test_pixel_mask" / "02_0128.npy"
    rewrite(path, lambda masks: masks[:, :-1])
    batches = READER.batches(ShanghaiTech(campus.root).test())
    with pytest.raises(
        BadImage, match=r'02_0128.npy/00000" is 64 x 47 pixels, but its image ".*000.jpg" is 64 x 48'
    ):
        list(batches)


def test_without_pyav_videos_are_refused_and_frames_are_read(campus, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(BadData, match=re.escape("pip install 'padimkit[video]', or extract their frames")):
        ShanghaiTech(campus.root).train()
    extract(campus)
    assert numbers_in(READER.batches(ShanghaiTech(campus.root).train())) == numbers_of(campus, TRAIN)


def test_pyav_is_imported_for_videos_only(campus):
    code = f"""
import sys
from padimkit.datasets.shanghaitech.dataset import ShanghaiTech
source = ShanghaiTech({str(campus.root)!r})
source.test()
assert "av" not in sys.modules
source.train()
assert "av" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_drawn_frames_show_their_numbers(random):
    number = int(random.integers(4096))
    assert number_in(picture(number)[..., 0] / 255) == number
