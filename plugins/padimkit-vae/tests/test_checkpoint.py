"""Trainings that are interrupted, and go on."""

import json

import pytest
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from padimkit import BadArgument, BadData, BadModel, BadOutput, Embedding, Stream
from padimkit_vae import Vae

IMAGES = torch.rand(21, 3, 12, 10, generator=torch.Generator().manual_seed(0))


class Interrupted(Exception):
    """Somebody pulled the plug."""


def tiny(path=None, **arguments):
    settings = {"latent_channels": 2, "width": 2, "epochs": 4, "batch_size": 6, "learning_rate": 1e-2}
    return Vae(**{**settings, "shuffle_buffer": 8, **arguments}, checkpoint=path)


def stream(images=IMAGES, *, breaks_in=None):
    """The images; an error in the middle of one of the loops."""
    loops = iter(range(100))

    def batches():
        loop = next(loops)
        for start in range(0, len(images), 5):
            if loop == breaks_in and start > 10:
                raise Interrupted
            yield Embedding(images[start : start + 5])

    return Stream(batches)


def interrupted(path, *, epoch=3, **arguments):
    """A checkpoint of a training that broke off within an epoch."""
    with pytest.raises(Interrupted):
        tiny(path, **arguments).fit(stream(breaks_in=epoch))  # the first loop only looks at the first image
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "training.safetensors"


@pytest.mark.parametrize("epoch", [1, 2, 3, 4])
def test_a_training_that_was_interrupted_ends_with_the_same_weights_bit_for_bit(path, epoch):
    whole = tiny()
    whole.fit(stream())
    resumed = tiny(interrupted(path, epoch=epoch))
    resumed.fit(stream())
    for name, tensor in resumed.state_dict().items():
        assert torch.equal(tensor, whole.state_dict()[name]), name


def test_it_goes_on_where_it_was_and_not_from_the_start(path, caplog):
    caplog.set_level("INFO", logger="padimkit_vae")
    interrupted(path, epoch=3)
    tiny(path).fit(stream())
    assert [record.args[0] for record in caplog.records] == [1, 2, 3, 4]


def test_it_can_be_interrupted_again_and_again(path):
    whole = tiny()
    whole.fit(stream())
    for _ in range(4):  # each loop but the last gets one epoch further
        with pytest.raises(Interrupted):
            tiny(path).fit(stream(breaks_in=2))
        if facts_of(path)["epochs"] == 3:
            break
    last = tiny(path)
    last.fit(stream())
    for name, tensor in last.state_dict().items():
        assert torch.equal(tensor, whole.state_dict()[name]), name


def test_the_file_is_removed_at_the_end_and_nothing_else_is_left(path):
    tiny(interrupted(path)).fit(stream())
    assert list(path.parent.iterdir()) == []


def test_a_training_that_broke_off_leaves_the_file_and_nothing_else(path):
    interrupted(path)
    assert list(path.parent.iterdir()) == [path]
    assert facts_of(path)["epochs"] == 2


def test_a_file_may_be_moved(path, tmp_path):
    moved = interrupted(path).rename(tmp_path / "moved")
    tiny(moved).fit(stream())
    assert not moved.exists()


def test_a_training_that_broke_off_after_its_last_epoch_is_complete(path, monkeypatch):
    def broken(self, missing_ok=False):
        if self == path:
            raise Interrupted
        return original(self, missing_ok=missing_ok)

    original = type(path).unlink
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(type(path), "unlink", broken)
        tiny(path).fit(stream())
    assert facts_of(path)["epochs"] == 4
    whole, resumed = tiny(), tiny(path)
    whole.fit(stream())
    resumed.fit(stream())
    assert torch.equal(whole.score(Embedding(IMAGES)).patches, resumed.score(Embedding(IMAGES)).patches)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("latent_channels", 3),
        ("width", 3),
        ("epochs", 5),
        ("batch_size", 7),
        ("learning_rate", 0.02),
        ("kl_weight", 0.5),
        ("seed", 1),
        ("shuffle_buffer", 9),
    ],
)
def test_a_file_of_other_arguments_is_refused(path, name, value):
    stored = getattr(tiny(), name)
    before = interrupted(path).read_bytes()
    with pytest.raises(BadArgument, match=f"with {name} {stored} instead of {value}. Use the same arguments"):
        tiny(path, **{name: value}).fit(stream())
    assert path.read_bytes() == before


def test_a_file_of_other_images_is_refused(path):
    before = interrupted(path).read_bytes()
    with pytest.raises(BadData, match="on other images: first image .* instead of .*. Use the same images"):
        tiny(path).fit(stream(IMAGES.flip(0)))
    with pytest.raises(BadData, match=r"shape \[3, 12, 10\] instead of \[3, 12, 9\]"):
        tiny(path).fit(stream(IMAGES[..., :9]))
    assert path.read_bytes() == before


def test_more_or_fewer_images_than_before_are_refused(path):
    interrupted(path)
    with pytest.raises(BadData, match="There are 20 images in epoch 3, but there were 21 in those before."):
        tiny(path).fit(stream(IMAGES[:20]))
    assert facts_of(path)["epochs"] == 2


@pytest.mark.parametrize(
    "damage", [lambda content: content[:-7], lambda content: b"", lambda content: b"{" * 99]
)
def test_a_damaged_file_is_refused(path, damage):
    path.write_bytes(damage(interrupted(path).read_bytes()))
    with pytest.raises(BadModel, match="cannot be read as a checkpoint: .* Remove it to start afresh"):
        tiny(path).fit(stream())


def test_a_file_with_one_wrong_bit_is_refused(path):
    content = bytearray(interrupted(path).read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadModel, match=r"has been altered \(its sha256 differs\)"):
        tiny(path).fit(stream())


def test_a_file_with_another_count_of_epochs_is_refused(path):
    with safe_open(interrupted(path), framework="pt") as file:
        metadata = file.metadata()
    metadata["facts"] = metadata["facts"].replace('"epochs": 2', '"epochs": 3')
    save_file(load_file(path), path, metadata=metadata)
    with pytest.raises(BadModel, match=r"has been altered \(its sha256 differs\)"):
        tiny(path).fit(stream())


def test_a_full_disk_is_told_as_such_and_leaves_the_last_file(path, monkeypatch):
    before = interrupted(path).read_bytes()

    def full(*arguments, **options):
        raise SafetensorError("No space left on device")

    monkeypatch.setattr("padimkit.files.checkpoint.save_file", full)
    with pytest.raises(BadOutput, match="cannot be written: No space left on device"):
        tiny(path).fit(stream())
    assert path.read_bytes() == before


def test_a_file_of_something_else_is_never_overwritten(path):
    path.parent.mkdir()
    save_file({"weight": torch.ones(3)}, path)
    with pytest.raises(BadModel, match='expected "padimkit-vae checkpoint 1", found "no format"'):
        tiny(path).fit(stream())
    assert load_file(path)["weight"].sum() == 3


def test_a_path_that_cannot_be_used_is_refused_before_the_first_epoch(tmp_path, caplog):
    caplog.set_level("INFO", logger="padimkit_vae")
    (tmp_path / "file").touch()
    with pytest.raises(BadModel, match="cannot be read"):
        tiny(tmp_path).fit(stream())
    with pytest.raises(BadOutput):
        tiny(tmp_path / "file" / "training").fit(stream())
    assert not caplog.records


def facts_of(path):
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["facts"])
