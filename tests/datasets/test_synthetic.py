import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from padimkit.arguments import arguments
from padimkit.datasets.synthetic.camera import photograph
from padimkit.datasets.synthetic.dataset import CATEGORIES, Synthetic
from padimkit.datasets.synthetic.draws import Draws
from padimkit.datasets.synthetic.scene import VISIBLE, Scene
from padimkit.errors import BadArgument, BadData, BadOutput
from padimkit.images.preprocessing import Preprocessing
from padimkit.images.reader import Reader

READER = Reader(Preprocessing(resize=64, crop=64), batch_size=4)
FEW = {"train_images": 3, "test_images": 2, "size": 64}
EASY, USUAL, HARD = 0.0, 0.5, 1.0
DEFECTS = [(category, name) for category, drawn in CATEGORIES.items() for name in drawn.defects]


def _digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


@pytest.mark.parametrize("category", CATEGORIES)
def test_it_reads_as_train_and_test_images_with_masks(tmp_path, category):
    source = Synthetic(tmp_path, category, **FEW)
    train = list(READER.batches(source.train()))
    assert sum(len(batch.images) for batch in train) == 3
    assert not any(batch.labels.any() for batch in train)
    for batch in READER.batches(source.test()):
        kinds = [Path(path).parent.name for path in batch.paths]
        assert batch.labels.tolist() == [kind != "good" for kind in kinds]
        assert (batch.masks.flatten(1).any(dim=1) == batch.labels).all()


@pytest.mark.parametrize("category", CATEGORIES)
def test_it_lies_on_disk_in_the_layout_of_mvtec(tmp_path, category):
    Synthetic(tmp_path, category, **FEW).train()
    folder = tmp_path / category
    kinds = set(CATEGORIES[category].defects)
    assert len(kinds) >= 5
    assert {path.name for path in folder.iterdir()} == {"train", "test", "ground_truth", "synthetic.json"}
    assert {path.name for path in (folder / "test").iterdir()} == {"good", *kinds}
    assert {path.name for path in (folder / "ground_truth").iterdir()} == kinds
    for kind in kinds:
        with Image.open(folder / "ground_truth" / kind / "001_mask.png") as mask:
            assert mask.mode == "L" and mask.size == (64, 64)
            assert set(np.unique(np.asarray(mask))) == {0, 255}


def test_nothing_but_the_category_is_left_in_the_root(tmp_path):
    Synthetic(tmp_path / "new" / "root", **FEW).test()
    assert [path.name for path in (tmp_path / "new" / "root").iterdir()] == ["texture"]


def test_nothing_is_drawn_before_it_is_asked_for(tmp_path):
    Synthetic(tmp_path / "root")
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_seed_fixes_every_byte(tmp_path, category):
    for root, seed in (("one", 5), ("again", 5), ("other", 6)):
        Synthetic(tmp_path / root, category, **FEW, seed=seed).train()
    one, again, other = (_digests(tmp_path / root / category) for root in ("one", "again", "other"))
    assert one == again
    assert one.keys() == other.keys()
    images = [name for name in one if not name.startswith("ground_truth")]  # small masks may well be alike
    assert not {one[name] for name in images} & {other[name] for name in images}


def test_no_two_images_are_alike(tmp_path):
    Synthetic(tmp_path, **FEW).train()
    digests = _digests(tmp_path / "texture")
    assert len(set(digests.values())) == len(digests)


def test_more_images_change_none_of_the_first(tmp_path):
    Synthetic(tmp_path / "few", **FEW).train()
    Synthetic(tmp_path / "more", **(FEW | {"train_images": 5, "test_images": 3})).train()
    few, more = _digests(tmp_path / "few" / "texture"), _digests(tmp_path / "more" / "texture")
    del few["synthetic.json"]
    assert few.items() <= more.items()


def _pair(category, name, scene, seed):
    """Draw a piece without and with a defect."""
    drawn = CATEGORIES[category]
    return drawn.normal(Draws(seed), scene), drawn.defects[name](Draws(seed), scene)


@pytest.mark.parametrize("size", [64, 256])
@pytest.mark.parametrize("difficulty", [EASY, USUAL, HARD])
@pytest.mark.parametrize(("category", "name"), DEFECTS)
def test_a_mask_marks_all_that_a_defect_has_changed(category, name, difficulty, size):
    for seed in range(2 if size == 64 else 1):
        normal, defective = _pair(category, name, Scene(size, difficulty), seed)
        assert not normal.mask.any()
        changed = (np.abs(normal.picture - defective.picture) > VISIBLE).any(axis=2)
        assert not (changed & ~defective.mask).any()
        assert (changed & defective.mask).sum() > 0.3 * defective.mask.sum()


@pytest.mark.parametrize("difficulty", [EASY, HARD])
@pytest.mark.parametrize(("category", "name"), DEFECTS)
def test_no_defect_is_lost_when_the_border_is_cropped(category, name, difficulty):
    for seed in range(8):
        mask = CATEGORIES[category].defects[name](Draws(seed), Scene(64, difficulty)).mask
        assert mask[4:60, 4:60].any()


@pytest.mark.parametrize(("category", "name"), DEFECTS)
def test_a_defect_remains_visible_at_any_difficulty(category, name):
    for seed in range(5):
        normal, defective = _pair(category, name, Scene(128, HARD), seed)
        difference = np.abs(normal.picture - defective.picture)[defective.mask]
        assert 255 * difference.max() > 20


def _contrast(category, name, difficulty):
    """Return how much a defect changes, beside how much a photograph differs from that of another piece."""
    scene, changes, differences = Scene(64, difficulty), [], []
    for seed in range(5):
        normal, defective = _pair(category, name, scene, seed)
        changes.append(np.abs(normal.picture - defective.picture).sum())
        other = CATEGORIES[category].normal(Draws(100 + seed), scene)
        ours, theirs = (
            photograph(one.picture, Draws(n, seed), scene) for n, one in enumerate((normal, other))
        )
        differences.append(np.abs(ours / 255 - theirs / 255).sum())
    return np.mean(changes) / np.mean(differences)


@pytest.mark.parametrize(("category", "name"), DEFECTS)
def test_a_greater_difficulty_is_a_lower_contrast(category, name):
    contrasts = [_contrast(category, name, difficulty) for difficulty in (EASY, USUAL, HARD)]
    assert contrasts == sorted(contrasts, reverse=True)
    assert contrasts[0] > 1.5 * contrasts[2]


@pytest.mark.parametrize("category", CATEGORIES)
def test_small_defects_and_defects_at_the_border_occur(category):
    sizes, at_border = [], 0
    for name in CATEGORIES[category].defects:
        for seed in range(8):
            mask = CATEGORIES[category].defects[name](Draws(seed), Scene(128, HARD)).mask
            sizes.append(mask.sum())
            at_border += not mask[16:112, 16:112].any()
    assert min(sizes) < 12
    assert max(sizes) > 150
    assert at_border >= 1


def test_a_second_use_draws_nothing_anew(tmp_path):
    Synthetic(tmp_path, **FEW).train()
    path = tmp_path / "texture" / "train" / "good" / "000.png"
    Image.new("RGB", (64, 64), "red").save(path)
    first = next(iter(READER.batches(Synthetic(tmp_path, **FEW).train())))
    assert (first.images[0, 0] == 1).all()


@pytest.mark.parametrize("argument", ["train_images", "test_images", "size", "seed"])
def test_a_folder_of_other_arguments_is_refused(tmp_path, argument):
    source = Synthetic(tmp_path, **FEW)
    source.train()
    given = arguments(source)
    other = Synthetic(**(given | {argument: given[argument] + 1}))
    with pytest.raises(
        BadData, match=rf'other arguments .* found .*"{argument}": {given[argument]}\b.*expected'
    ):
        other.test()


def test_a_root_may_hold_the_seed_for_suites_of_several(tmp_path):
    paths = [Synthetic(tmp_path / "drawn-{seed}", **FEW, seed=seed).train()[0].path for seed in (0, 1)]
    assert [path.parents[3].name for path in paths] == ["drawn-0", "drawn-1"]


def test_a_folder_of_another_difficulty_is_refused(tmp_path):
    Synthetic(tmp_path, **FEW, difficulty=0.0).train()
    with pytest.raises(BadData, match=r'found .*"difficulty": 0\.0 .*expected .*"difficulty": 0\.25'):
        Synthetic(tmp_path, **FEW, difficulty=0.25).test()


def test_a_folder_of_another_version_is_refused(tmp_path):
    source = Synthetic(tmp_path, **FEW)
    source.train()
    manifest = tmp_path / "texture" / "synthetic.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"version": 0}))
    with pytest.raises(BadData, match='another version of padimkit: found {"version": 0, '):
        source.train()


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch])
def test_a_folder_or_file_of_another_kind_is_refused_and_kept(tmp_path, make):
    make(tmp_path / "texture")
    with pytest.raises(
        BadData, match=r'texture" exists but holds no synthetic images. Choose another "root"'
    ):
        Synthetic(tmp_path, **FEW).train()
    assert (tmp_path / "texture").exists()


def test_a_root_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadOutput, match=re.escape(f'"{tmp_path / "file" / "texture"}" cannot be written')):
        Synthetic(tmp_path / "file", **FEW).train()


def test_an_interrupted_drawing_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("padimkit.datasets.synthetic.dataset._save_mask", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Synthetic(tmp_path, **FEW).train()
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_category_is_refused(tmp_path):
    with pytest.raises(
        BadArgument, match='"category" to be one of assembly, object, texture, got "textures"'
    ):
        Synthetic(tmp_path, "textures")


@pytest.mark.parametrize("wrong", [{"train_images": 0}, {"test_images": 0}, {"size": 63}, {"seed": -1}])
def test_arguments_out_of_range_are_refused(tmp_path, wrong):
    with pytest.raises(BadArgument, match=f"got .*{next(iter(wrong.values()))}"):
        Synthetic(tmp_path, **wrong)


@pytest.mark.parametrize("difficulty", [-0.01, 1.01, float("nan"), float("inf")])
def test_a_difficulty_out_of_range_is_refused(tmp_path, difficulty):
    with pytest.raises(BadArgument, match=rf'"difficulty" from 0 \(easy\) to 1 \(hard\), got {difficulty}'):
        Synthetic(tmp_path, difficulty=difficulty)
