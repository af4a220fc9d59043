"""Published layouts: which images are learnt and tested, and with which masks."""

import json
import shutil

import numpy as np
import pytest
from layouts import Drawn, copied, dagm, kolektor_sdd, kolektor_sdd2, mvtec_ad2, real_iad
from PIL import Image

from padimkit import DAGM, KolektorSDD, KolektorSDD2, MVTecAD2, RealIAD
from padimkit.errors import BadArgument, BadData

SPLIT = {
    "kolektor_sdd2": (kolektor_sdd2, KolektorSDD2),
    "dagm": (dagm, lambda root: DAGM(root, "Class3")),
    "mvtec_ad2": (mvtec_ad2, lambda root: MVTecAD2(root, "can")),
    "real_iad": (real_iad, lambda root: RealIAD(root, "toy")),
}


@pytest.fixture
def drawn(stripes):
    return Drawn(stripes / "stripes")


def grey(path):
    return np.asarray(Image.open(path).convert("L"), float)


def nearest(path, originals):
    """The original that a file is a copy of, which may have gone through JPEG."""
    return min(originals, key=lambda original: np.abs(grey(original) - grey(path)).mean())


@pytest.mark.parametrize("name", SPLIT)
def test_the_published_split_is_read_with_its_masks(drawn, tmp_path, name):
    """As many images as were put in each place, normal ones to learn from, and masks of the right images."""
    make, source = SPLIT[name]
    found = source(make(drawn, tmp_path / "root"))
    learnt, tested = found.train(), found.test()
    assert [nearest(sample.path, drawn.learnt) for sample in learnt] == drawn.learnt
    assert not any(sample.anomalous or sample.mask for sample in learnt)
    originals = [*drawn.good, *drawn.bad]
    assert len(tested) == 8 and len({sample.path for sample in tested}) == 8
    for sample in tested:
        original = nearest(sample.path, originals)
        assert sample.anomalous is (original in drawn.bad)
        if sample.anomalous:
            expected = grey(drawn.mask(original)) > 0
            np.testing.assert_array_equal(np.asarray(sample.mask_picture(sample.mask, 10**6)) > 0, expected)
        else:
            assert sample.mask is None


def test_a_commutator_is_learnt_or_tested(drawn, tmp_path):
    root, seen = kolektor_sdd(drawn, tmp_path / "root"), []
    for fold in range(3):
        source = KolektorSDD(root, fold)
        learnt, tested = ({one.path.parent.name for one in part} for part in (source.train(), source.test()))
        assert learnt | tested == {"kos01", "kos02", "kos03", "kos04"} and not learnt & tested
        assert [one.path.name for one in source.test() if one.anomalous] == ["Part4.jpg"] * len(tested)
        assert not any(one.anomalous for one in source.train()) and len(source.train()) == 4 * len(learnt)
        seen += sorted(tested)
    assert sorted(seen) == ["kos01", "kos02", "kos03", "kos04"]


def test_private_test_images_of_mvtec_ad_2_have_no_labels(drawn, tmp_path):
    root = mvtec_ad2(drawn, tmp_path / "root")
    for subset in ("private", "private_mixed"):
        (sample,) = MVTecAD2(root, "can", subset=subset).test()
        assert sample.path == root / "can" / f"test_{subset}" / "000_mixed.png" and sample.anomalous is None


def test_lists_of_real_iad_may_lie_beside_the_images_and_sizes_in_folders_of_their_own(drawn, tmp_path):
    root = real_iad(drawn, tmp_path / "root")
    shutil.move(root / "realiad_jsons" / "realiad_jsons", root / "realiad_jsons_sv")
    shutil.move(root / "realiad_1024", root / "realiad_256")
    source = RealIAD(root, "toy", side="256", protocol="realiad_jsons_sv")
    assert len(source.train()) == 12 and all(sample.path.is_file() for sample in source.test())


def test_anomalous_training_images_of_real_iad_are_refused(drawn, tmp_path):
    root = real_iad(drawn, tmp_path / "root")
    path = root / "realiad_jsons" / "realiad_jsons" / "toy.json"
    lists = json.loads(path.read_text())
    path.write_text(json.dumps(lists | {"train": lists["test"]}))
    with pytest.raises(BadData, match='has the anomalous training image ".*NG.*choose another "protocol"'):
        RealIAD(root, "toy").train()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1, 2", "is not understood as a list of Real-IAD"),
        ('{"test": []}', "is not understood as a list of Real-IAD .KeyError.'train'"),
        ('{"train": [{"image_path": "a"}]}', "KeyError.'anomaly_class'"),
        ('{"train": []}', 'lists no images of the split "train"'),
    ],
)
def test_lists_that_are_not_those_of_real_iad_are_refused(tmp_path, content, message):
    (tmp_path / "realiad_jsons").mkdir()
    (tmp_path / "realiad_jsons" / "toy.json").write_text(content)
    with pytest.raises(BadData, match=message):
        RealIAD(tmp_path, "toy").train()
    with pytest.raises(BadData, match='no list "cup.json" of the category: neither'):
        RealIAD(tmp_path, "cup").train()


def test_images_without_their_masks_are_refused(drawn, tmp_path):
    root = kolektor_sdd2(drawn, tmp_path / "two")
    (root / "test" / "10002_GT.png").unlink()
    with pytest.raises(BadData, match='10002.png" has no mask. Expected one beside it with a name like'):
        KolektorSDD2(root).test()
    root = mvtec_ad2(drawn, tmp_path / "three")
    (root / "can" / "test_public" / "ground_truth" / "bad" / "005_regular_mask.png").unlink()
    with pytest.raises(BadData, match='"005_regular.png" has no mask in .* Expected "005_regular_mask.png"'):
        MVTecAD2(root, "can").test()


def test_the_copies_in_the_published_archive_of_kolektor_sdd2_are_left_out(drawn, tmp_path):
    root = kolektor_sdd2(drawn, tmp_path / "root")
    expected = [sample.path for sample in KolektorSDD2(root).train()]
    copied(drawn.learnt[0], root / "train" / "10301 (copy).png")
    copied(drawn.mask(drawn.bad[0]), root / "train" / "10301_GT (copy).png", blank=True)
    assert [sample.path for sample in KolektorSDD2(root).train()] == expected


def test_defects_of_dagm_are_not_taken_for_normal_where_masks_are_missing(drawn, tmp_path):
    root = dagm(drawn, tmp_path / "root")
    (root / "Class3" / "Test" / "0008.PNG").unlink()
    with pytest.raises(BadData, match='0008_label.PNG" is named like a mask, but its image is missing'):
        DAGM(root, "Class3").test()
    shutil.rmtree(root / "Class3" / "Train" / "Label")
    with pytest.raises(BadData, match='Train" holds no masks. Expected some with names like "Label/{stem}_l'):
        DAGM(root, "Class3").train()


def test_what_is_not_there_is_named_with_what_is(drawn, tmp_path):
    root = dagm(drawn, tmp_path / "root")
    with pytest.raises(BadData, match='no category "Clas3". Did you mean "Class3"\\? It holds: Class3'):
        DAGM(root, "Clas3").train()
    with pytest.raises(BadData, match='holds no category with a folder "train"'):
        MVTecAD2(root / "Class3", "can").train()
    with pytest.raises(BadData, match='gone" is not a folder. Expected the folder that holds the categories'):
        DAGM(root / "gone", "Class3").test()
    with pytest.raises(BadData, match='holds 0 folders of commutators, such as "kos01". Expected at least 3'):
        KolektorSDD(root).train()
    with pytest.raises(BadArgument, match='"fold" of at most 2, got 3'):
        KolektorSDD(root, fold=3)
    only_bad = root / "Class4" / "Train"
    copied(drawn.bad[0], only_bad / "0001.PNG")
    copied(drawn.mask(drawn.bad[0]), only_bad / "Label" / "0001_label.PNG")
    with pytest.raises(BadData, match='Train" holds no normal images to learn from'):
        DAGM(root, "Class4").train()
