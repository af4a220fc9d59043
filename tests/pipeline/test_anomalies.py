"""A few anomalous images are learnt by densities that can, and refused for others."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from padimkit import (
    AnomalyMap,
    Batch,
    Gaussian,
    Identity,
    LearnsAnomalies,
    Pipeline,
    Pixels,
    Preprocessing,
    Registry,
    Sample,
    Scores,
    Separate,
    Tiles,
    Updatable,
    calibrate,
)
from padimkit.backbones.filter_bank import FilterBank
from padimkit.cli.main import main
from padimkit.errors import BadArgument, BadData
from padimkit.inspection import history
from padimkit.inspection.learnt import LearntImage

SEEN = []


class Notes(Gaussian.__base__, LearnsAnomalies):
    """Notes what it is given, and scores by the mean of the normal images plus that of anomalous ones."""

    def __init__(self):
        self.state = None

    def fit(self, stream):
        self.fit_with_anomalies(stream, [])

    def fit_with_anomalies(self, stream, anomalies):
        known = list(anomalies)
        SEEN.append((sum(len(one.patches) for one in stream), known))
        mean = (
            torch.stack([one.embedding.patches.mean() for one in known]).mean() if known else torch.zeros(())
        )
        self.state = mean.reshape(1)

    def score(self, embedding):
        return Scores(embedding.patches.mean(1) + self.state)

    def state_dict(self):
        return {"mean": self.state}

    def load_state_dict(self, state):
        self.state = state["mean"]


@pytest.fixture(autouse=True)
def nothing_seen():
    SEEN.clear()


def pipeline(density=None, **parts):
    given = {"map": AnomalyMap(sigma=0.0)} | parts
    return Pipeline(parts.pop("backbone", Pixels()), Identity(), density or Notes(), **given)


def images(generator, count=6, size=(8, 12)):
    return Batch(torch.rand(count, 3, *size, generator=generator), tuple(map(str, range(count))))


def marked(generator, size=(8, 12)):
    batch = images(generator, 2, size)
    masks = torch.zeros(2, *size, dtype=torch.bool)
    masks[0, 1:3, 2:7] = True
    return replace(batch, labels=torch.tensor([True, True]), masks=masks)


def test_embeddings_and_the_share_of_anomalous_pixels_reach_the_density(generator):
    given = marked(generator)
    pipeline().fit([images(generator)], anomalies=[given], progress=False)
    ((count, (known,)),) = SEEN
    assert count == 6 and known.embedding.patches.shape[0] == 2
    torch.testing.assert_close(known.share, given.masks.float())


def test_shares_are_means_over_the_pixels_of_a_position_at_each_level(generator):
    backbone = FilterBank(scales=2, orientations=2)
    made = Pipeline(backbone, Identity(), Notes(), Separate())
    made.fit([images(generator, size=(24, 32))], anomalies=marked(generator, (24, 32)), progress=False)
    assert len(SEEN) == 2
    for _, (known,) in SEEN:
        size = known.embedding.patches.shape[2:]
        expected = F.adaptive_avg_pool2d(marked(generator, (24, 32)).masks.float(), size)
        torch.testing.assert_close(known.share, expected)


def test_shares_of_tiles_lie_where_their_positions_do(generator):
    tiles = Preprocessing(None, None, tiles=Tiles((8, 16)))
    given = marked(generator, (24, 32))
    made = Pipeline(Pixels(), Identity(), Notes(), preprocessing=tiles)
    made.fit([images(generator, size=(24, 32))], anomalies=given, progress=False)
    ((_, (known,)),) = SEEN
    torch.testing.assert_close(known.share, given.masks.float())


def test_without_masks_the_shares_are_not_known(generator):
    pipeline().fit(images(generator), anomalies=images(generator, 2), progress=False)
    assert SEEN[0][1][0].share is None


def test_a_density_that_learns_normal_images_alone_refuses_others_at_once(generator):
    made = pipeline(Gaussian())
    with pytest.raises(BadArgument, match=r"Gaussian learns from normal images alone: .*LearnsAnomalies"):
        made.fit("nowhere", anomalies=images(generator))
    made.fit(images(generator), progress=False)
    with pytest.raises(BadArgument, match="learns from normal images alone"):
        made.predict_left_out([images(generator)], anomalies=images(generator))


def test_images_that_are_normal_none_or_gone_after_one_pass_are_refused(generator):
    normal = replace(images(generator, 2), labels=torch.tensor([True, False]))
    with pytest.raises(BadData, match='"1" is labelled normal'):
        pipeline().fit(images(generator), anomalies=normal, progress=False)
    with pytest.raises(BadData, match='no images in "anomalies"'):
        pipeline().fit(images(generator), anomalies=[], progress=False)
    with pytest.raises(BadArgument, match='"anomalies" can be read only once'):
        pipeline().fit(images(generator), anomalies=iter([normal]), progress=False)


def test_folds_of_a_calibration_learn_the_anomalous_images_too(generator):
    given = [images(generator)]
    made = pipeline().fit(given, anomalies=images(generator, 2), progress=False)
    SEEN.clear()
    with pytest.raises(BadArgument, match='has learnt from "anomalies", .* Pass them here too'):
        calibrate(made, given, folds=3, progress=False)
    calibrate(made, given, anomalies=images(generator, 2), folds=3, progress=False)
    assert [len(known) for _, known in SEEN] == [1] * 3 and {count for count, _ in SEEN} == {4}


@pytest.fixture
def folders(tmp_path, random, monkeypatch):
    monkeypatch.setattr("padimkit.registry.registry._SESSION", {})
    Registry("densities").add(Notes, "notes")
    for name, count in (("good", 6), ("bad", 2)):
        (tmp_path / name).mkdir()
        for number in range(count):
            pixels = random.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    (tmp_path / "settings.yaml").write_text(
        "pipeline: {backbone: pixels, reducer: identity, density: notes, "
        "preprocessing: {resize: 16, crop: null}}\n"
        f"data: {{class_path: folder, init_args: {{normal: {tmp_path / 'good'}}}}}\n"
    )
    return tmp_path


def test_the_command_learns_them_and_remembers_which_they_were(folders, capsys):
    words = [str(folders / "settings.yaml"), f"--output={folders / 'model'}", "--folds=2"]
    assert main(["fit", *words, "--anomalies", str(folders / "bad")]) == 0
    assert "Fitted on 6 images and 2 anomalous ones" in capsys.readouterr().out
    assert {sum(len(one.embedding.patches) for one in known) for _, known in SEEN} == {2}
    manifest = json.loads((folders / "model" / "manifest.json").read_text())
    (done,) = manifest["history"]
    assert [Path(path).parent.name for path, _ in done["anomalies"]] == ["bad", "bad"]
    data = [f"--data.normal={folders / 'good'}", f"--data.anomalous={folders / 'bad'}"]
    assert main(["evaluate", str(folders / "model"), "--data=folder", *data]) == 2
    assert "are among those that the model has learnt" in capsys.readouterr().err
    assert main(["calibrate", str(folders / "model"), "--data=folder", data[0]]) == 2
    assert "has learnt anomalous images too" in capsys.readouterr().err


class Growing(Notes, Updatable):
    def update(self, stream):
        self.fit(stream)


def test_an_update_learns_none_of_them_as_normal_and_calibrates_no_fold_without_them(folders, capsys):
    Registry("densities").add(Growing, "growing")
    words = [str(folders / "settings.yaml"), "--pipeline.density=growing", f"--output={folders / 'model'}"]
    assert main(["fit", *words, "--folds=2", "--anomalies", str(folders / "bad")]) == 0
    Image.new("RGB", (16, 16)).save(folders / "bad" / "new.png")
    capsys.readouterr()
    words = ["--learn=all", "--folds=2", f"--output={folders / 'updated'}"]
    assert main(["update", str(folders / "model"), str(folders / "bad"), *words]) == 0
    said = capsys.readouterr().out
    assert "Learnt 1 of 3 images" in said and 'is learnt as an anomalous one, "' in said
    assert "It has no calibration, since the model has learnt anomalous images too" in said
    assert not (folders / "updated" / "calibration.json").exists()
    assert main(["info", str(folders / "updated")]) == 0
    assert "fit: 6 images and 2 anomalous ones" in capsys.readouterr().out


def test_a_file_that_is_said_to_be_normal_and_anomalous_is_refused(folders, capsys):
    words = [str(folders / "settings.yaml"), f"--output={folders / 'model'}"]
    assert main(["fit", *words, "--anomalies", str(folders / "bad" / ".." / "good" / "3.png")]) == 2
    assert '3.png" is among the normal images and among the "anomalies"' in capsys.readouterr().err
    assert SEEN == [] and not (folders / "model").exists()


def test_the_command_refuses_them_before_any_work_if_the_density_does_not_take_them(folders, capsys):
    words = [str(folders / "settings.yaml"), f"--output={folders / 'model'}"]
    assert main(["fit", *words, "--pipeline.density=gaussian", "--anomalies", str(folders / "bad")]) == 2
    error = capsys.readouterr().err
    assert "Gaussian learns from normal images alone" in error and not (folders / "model").exists()


def test_steps_without_anomalous_images_are_written_as_they_were():
    plain = json.loads(json.dumps(history.as_plain([history.Step("fit", "now", 3)])))
    assert "anomalies" not in plain[0] and history.from_plain(plain, "m") == (history.Step("fit", "now", 3),)
    known = history.Step("fit", "now", 3, anomalies=(("bad/0.png", "ab" * 32),))
    plain = json.loads(json.dumps(history.as_plain([known])))
    read = history.from_plain(plain, "m")
    assert read == (known,) and history.anomalies_of(read) == (LearntImage("bad/0.png", "ab" * 32),)
    with pytest.raises(Exception, match="not as padimkit writes it"):
        history.from_plain([plain[0] | {"anomalies": [["one"]]}], "m")


def test_merged_models_keep_what_is_known_of_anomalous_images():
    normal = history.Step("fit", "now", 3, sizes=((8, 8, 3),))
    known = history.Step("fit", "now", 4, anomalies=(("bad/0.png", "ab" * 32),))
    for own, other in (((known,), ()), ((), (known,))):
        (step,) = history.merged(own, other, "other")
        assert step.command == "merge" and step.images == 4
        assert history.anomalies_of([step]) == history.anomalies_of([known])
    assert history.merged((normal,), (), "other") == () == history.merged((), (), "other")
    both = history.merged((normal,), (known,), "other")
    assert both[0] == normal and history.anomalies_of(both) == history.anomalies_of([known])
    assert history.is_whole(both) and not history.is_whole([step]) and not history.is_whole(())


def test_a_sample_with_a_mask_is_an_anomalous_image(folders):
    mask = np.zeros((16, 16), np.uint8)
    mask[4:8] = 255
    Image.fromarray(mask).save(folders / "mask.png")
    sample = Sample(folders / "bad" / "0.png", anomalous=True, mask=folders / "mask.png")
    made = Pipeline(Pixels(), Identity(), Notes(), preprocessing=Preprocessing(16, None))
    made.fit(str(folders / "good"), anomalies=[sample], progress=False)
    assert float(SEEN[0][1][0].share.sum()) == 64
