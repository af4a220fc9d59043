import shutil
from pathlib import Path

import pytest
from PIL import Image

from padimkit.benchmark.planning.fingerprint import facts_of, files_named
from padimkit.contracts import DataSource
from padimkit.datasets.folder import Folder
from padimkit.datasets.mvtec import MVTec
from padimkit.errors import BadImage
from padimkit.images.sample import Sample


def facts(root):
    return facts_of(MVTec(root, "stripes"))


def test_images_are_counted(stripes):
    found = facts(stripes)
    assert (found.train_images, found.test_images, found.anomalous_images) == (12, 8, 4)


def test_the_same_files_elsewhere_have_the_same_fingerprint(stripes, tmp_path):
    shutil.copytree(stripes, tmp_path / "elsewhere")
    assert facts(tmp_path / "elsewhere") == facts(stripes)


@pytest.mark.parametrize(
    "change", ["train/good/003.png", "test/spot/001.png", "ground_truth/spot/002_mask.png"]
)
def test_another_byte_is_another_fingerprint(stripes, change):
    before = facts(stripes)
    path = stripes / "stripes" / change
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    assert facts(stripes).fingerprint != before.fingerprint


def test_a_byte_in_the_middle_of_a_large_file_counts(stripes):
    path = stripes / "stripes" / "test" / "spot" / "001.png"
    with Image.open(path) as image:
        large = image.resize((192, 192))
    large.save(path.with_suffix(".bmp"))
    path.unlink()
    before, content = facts(stripes), bytearray(path.with_suffix(".bmp").read_bytes())
    content[len(content) // 2] ^= 1
    path.with_suffix(".bmp").write_bytes(content)
    assert len(content) > 20_000 and facts(stripes).fingerprint != before.fingerprint


def test_files_that_settings_name_are_told_by_their_contents(tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(b"one")
    settings = {"backbone": {"init_args": {"weights": str(path), "layers": ["layer1", "x" * 5000, "\0"]}}}
    one = files_named(settings)
    assert one and files_named({"list": [str(path)]}) == one
    path.write_bytes(b"two")
    assert files_named(settings) not in ("", one)
    assert files_named({"weights": "hub", "keep": 3}) == ""


def test_names_and_labels_count(stripes):
    before = facts(stripes)
    folder = stripes / "stripes"
    (folder / "train" / "good" / "003.png").rename(folder / "train" / "good" / "503.png")
    renamed = facts(stripes)
    (folder / "test" / "spot" / "000.png").rename(folder / "test" / "good" / "900.png")
    assert len({before.fingerprint, renamed.fingerprint, facts(stripes).fingerprint}) == 3


def test_a_file_that_cannot_be_read_is_named(stripes):
    path = stripes / "stripes" / "test" / "good" / "000.png"
    path.unlink()
    path.symlink_to(stripes / "nowhere.png")
    with pytest.raises(BadImage, match=r'good/000.png" does not exist'):
        facts(stripes)


class Painted(DataSource):
    """Lists samples that are no files."""

    def __init__(self, grey):
        self.grey = grey

    def train(self):
        def paint(path):
            return Image.new("RGB", (4, 4), (self.grey, 0, 0))

        return [Sample(Path(f"train/{n}"), anomalous=False, open=paint) for n in range(3)]

    def test(self):
        return self.train()


def test_samples_that_are_no_files_are_known_by_their_pixels():
    found = facts_of(Painted(1))
    assert (found.train_images, found.test_images, found.anomalous_images) == (3, 3, 0)
    assert facts_of(Painted(1)) == facts_of(Painted(1)) != facts_of(Painted(2))


CHECKPOINTED = """
    from padimkit.reducers.identity import Identity

    class Checkpointed(Identity):
        writes = ("checkpoint",)
        def __init__(self, checkpoint: str = "", weights: str = ""): pass
"""


def test_a_file_that_a_part_writes_is_none_that_it_reads(install, tmp_path):
    install("stranger", {"checkpointed": "checkpointed:Checkpointed"}, {"checkpointed": CHECKPOINTED})
    path = tmp_path / "file"

    def digest(argument):
        return files_named({"reducer": {"class_path": "checkpointed", "init_args": {argument: str(path)}}})

    before = {argument: digest(argument) for argument in ("checkpoint", "weights")}
    path.write_text("written meanwhile")
    assert digest("checkpoint") == before["checkpoint"] == ""
    assert digest("weights") != before["weights"]


def test_a_broken_part_of_the_same_name_in_another_family_does_not_matter(install):
    install("rude", {"gaussian": "nowhere:Rude"})
    assert files_named({"density": {"class_path": "gaussian", "init_args": {}}}) == ""


def test_folders_may_be_named_from_here_and_from_the_top(stripes, monkeypatch):
    root = stripes / "stripes"
    monkeypatch.chdir(root)
    bad = root / "test" / "spot"
    absolute = facts_of(Folder(normal=root / "train" / "good", anomalous=bad))
    assert facts_of(Folder(normal=Path("train/good"), anomalous=bad)) == absolute
