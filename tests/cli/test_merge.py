"""What `padimkit merge` makes of two models, and which it refuses."""

import shutil

import numpy as np
import pytest
import torch

from padimkit import (
    CannotMerge,
    Gaussian,
    Identity,
    Pipeline,
    Timm,
    load,
    load_calibration,
    load_learnt,
    save,
)
from padimkit.cli.main import main
from padimkit.storage import load_history

ONE, OTHER = range(7), range(7, 12)


@pytest.fixture
def pair(learn, portion):
    return learn(portion("one", ONE), "one_model"), learn(portion("other", OTHER), "other_model")


@pytest.fixture
def merge(tmp_path, capsys):
    def merge(one, other, *words):
        output = tmp_path / "merged"
        assert main(["merge", str(one), str(other), f"--output={output}", *words]) == 0
        return output, capsys.readouterr().out

    return merge


def test_a_merged_model_is_that_of_a_fit_on_all_images(pair, learn, portion, merge):
    merged, output = merge(*pair)
    whole = learn(portion("whole", range(12)))
    images = [str(path) for path in sorted((whole.parent / "whole").iterdir())]
    found, expected = (load(model).predict(images) for model in (merged, whole))
    np.testing.assert_allclose(found.image_scores, expected.image_scores, rtol=1e-4)
    np.testing.assert_allclose(load_calibration(merged).scores, load_calibration(whole).scores, rtol=1e-3)
    assert "12 normal images, scored as if they had not been learnt" in output
    assert load_calibration(merged).false_alarms == 1 / 13
    assert [(one.command, one.images) for one in load_history(merged)] == [("fit", 7), ("merge", 5)]
    assert len(load_learnt(merged)) == 12


def test_without_the_images_of_both_there_is_no_calibration_but_a_way_to_one(pair, stripes, merge):
    shutil.rmtree(pair[1].parent / "other")
    merged, output = merge(*pair)
    assert "It has no calibration, since 5 of 12 learnt images have moved or changed" in output
    words = output.split("padimkit ")[-1].replace("FOLDER", str(stripes / "stripes/test/good")).split()
    assert main(words) == 0
    assert load_calibration(merged).held_out


def test_a_model_that_does_not_say_what_it_has_learnt_makes_one_that_does_not(pair, stripes, merge, tmp_path):
    save(load(pair[1]), tmp_path / "old")
    merged, output = merge(pair[0], tmp_path / "old")
    assert "since the model does not say which images it has learnt" in output
    assert output.rstrip().endswith("--learnt false")
    assert load_learnt(merged) == () == load_history(merged)
    words = output.split("padimkit ")[-1].replace("FOLDER", str(stripes / "stripes/test/good")).split()
    assert main(words) == 0


def test_models_of_other_rates_are_refused_until_one_is_named(learn, portion, refuse, merge, tmp_path):
    one = learn(portion("one", ONE), "one_model", "--false_alarms=0.2")
    other = learn(portion("other", OTHER), "other_model", "--false_alarms=0.4")
    error = refuse("merge", one, other, f"--output={tmp_path / 'merged'}")
    assert '"false_alarms" of 0.2 and 0.4. Pass --false_alarms RATE' in error
    assert not (tmp_path / "merged").exists()
    merged, _ = merge(one, other, "--false_alarms=0.3")
    assert load_calibration(merged).false_alarms == 0.3


def test_a_rate_that_all_images_cannot_promise_is_refused(pair, refuse, tmp_path):
    error = refuse("merge", *pair, f"--output={tmp_path / 'merged'}", "--false_alarms=0.01")
    assert '"false_alarms" of 0.01 needs 99 normal images, and there are 12' in error


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--pipeline.density.eps=0.5"], "cannot be merged"),
        (["--pipeline.preprocessing.crop=24"], "cannot be merged"),
        (["--pipeline.map.sigma=2"], "AnomalyMap with"),
        (["--pipeline.reducer.seed=2"], "cannot be merged"),
    ],
)
def test_models_of_other_arguments_are_refused(pair, learn, refuse, tmp_path, words, said):
    changed = learn(pair[0].parent / "other", "changed", *words)
    error = refuse("merge", pair[0], changed, f"--output={tmp_path / 'merged'}")
    assert said in error and "same arguments" in error
    assert not (tmp_path / "merged").exists()


def test_models_of_images_of_other_size_are_refused(pair, learn, refuse, tmp_path):
    words = ["--pipeline.preprocessing.resize=null", "--pipeline.preprocessing.crop=null"]
    from PIL import Image

    for path in (tmp_path / "other").iterdir():
        with Image.open(path) as picture:
            small = picture.resize((40, 44))
        small.save(path)
    one, other = (learn(tmp_path / name, f"{name}_free", *words) for name in ("one", "other"))
    error = refuse("merge", one, other, f"--output={tmp_path / 'merged'}")
    assert "images of (48, 48) pixels, the other on (44, 40)" in error


def test_an_image_in_both_would_count_twice(pair, learn, portion, refuse, tmp_path):
    third = learn(portion("third", [6, 7]), "third_model", "--calibrate=false")
    error = refuse("merge", pair[0], third, f"--output={tmp_path / 'merged'}")
    assert "Both models have learnt 1 of the images" in error and "006.png" in error
    assert "would count twice" in refuse("merge", pair[0], pair[0], f"--output={tmp_path / 'merged'}")


def test_a_density_that_cannot_be_merged_is_refused(portion, learn_spade, refuse, tmp_path):
    models = [
        learn_spade(portion(name, numbers), f"{name}_spade")
        for name, numbers in (("one", ONE), ("other", OTHER))
    ]
    error = refuse("merge", *models, f"--output={tmp_path / 'merged'}")
    assert error == "padimkit merge: error: Spade cannot be merged. Fit on all images instead.\n"


def test_backbones_of_other_weights_are_not_merged(generator):
    images = torch.rand(4, 3, 32, 32, generator=generator)
    pipelines = [
        Pipeline(
            Timm(model="test_resnet.r160_in1k", layers=["layer1"], weights="none"), Identity(), Gaussian()
        )
        for _ in range(2)
    ]
    state = pipelines[1].backbone.state_dict()
    pipelines[1].backbone.load_state_dict({name: value + 1 for name, value in state.items()})
    for pipeline in pipelines:
        pipeline.fit(images)
    with pytest.raises(CannotMerge, match="different weights"):
        pipelines[0].merge(pipelines[1])
