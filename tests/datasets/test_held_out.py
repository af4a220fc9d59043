"""The two parts of a data set's test images."""

from collections import Counter

import pytest

from padimkit import Folder, HeldOut, MVTec
from padimkit.errors import BadArgument, BadData
from padimkit.images.sample import Sample


@pytest.fixture
def whole(stripes):
    return MVTec(root=stripes, category="stripes")


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_the_parts_share_nothing_and_have_all_kinds(whole, share):
    search, report = (HeldOut(whole, part, share).test() for part in ("search", "report"))
    paths = [{sample.path for sample in part} for part in (search, report)]
    assert not paths[0] & paths[1] and paths[0] | paths[1] == {sample.path for sample in whole.test()}
    kinds = [
        Counter((sample.anomalous, sample.path.parent.name) for sample in part) for part in (search, report)
    ]
    assert kinds[0] == {(False, "good"): 4 * share, (True, "spot"): 4 * share} and len(kinds[1]) == 2
    order = [sample.path for sample in whole.test()]
    assert [sample.path for sample in search] == [path for path in order if path in paths[0]]


def test_training_images_are_those_of_the_whole_and_the_seed_draws_the_parts(whole):
    assert HeldOut(whole, "search").train() == whole.train()
    drawn = {
        tuple(sample.path for sample in HeldOut(whole, "search", split_seed=seed).test()) for seed in range(8)
    }
    assert len(drawn) > 4


def test_what_cannot_be_divided_is_refused(whole, stripes):
    with pytest.raises(BadArgument, match='"part" to be search or report'):
        HeldOut(whole, "test")
    with pytest.raises(BadArgument, match="share"):
        HeldOut(whole, "search", share=1.5)
    with pytest.raises(BadData, match='No test image is in the part "report"'):
        HeldOut(
            Folder(stripes / "stripes/train/good", anomalous=stripes / "stripes/test/spot"), "report", 1.0
        ).test()


def test_a_share_that_floats_round_up_holds_out_no_image_more(tmp_path):
    """0.55 of 20 images, which is 11.000000000000002 in floats."""

    class Twenty(Folder):
        def test(self):
            return [Sample(tmp_path / f"{number}.png", anomalous=False) for number in range(20)]

    assert len(HeldOut(Twenty("good"), "search", share=0.55).test()) == 11
