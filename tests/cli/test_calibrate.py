"""Calibration on the command line: fit, calibrate, and what evaluate refuses."""

import json
import shutil

import pytest
from quick_recipe import PIPELINE

from padimkit import Pipeline, load_calibration, load_learnt
from padimkit.cli.main import main

MERGES_ONLY = {
    "merges": """
    from padimkit import DensityModel, Gaussian

    class MergesOnly(DensityModel):
        '''A Gaussian that cannot leave one image out.'''

        def __init__(self) -> None:
            self.density = Gaussian()

        def fit(self, embeddings):
            self.density.fit(embeddings)

        def score(self, embedding):
            return self.density.score(embedding)

        def state_dict(self):
            return self.density.state_dict()

        def load_state_dict(self, state):
            self.density.load_state_dict(state)
    """
}


@pytest.fixture
def folder(stripes):
    """The same training images, as a folder of normal images."""
    return ["--data=folder", f"--data.normal={stripes / 'stripes' / 'train' / 'good'}"]


@pytest.fixture
def fit(recipe, source, tmp_path, capsys):
    def fit(*words):
        assert main(["fit", str(recipe), *source, f"--output={tmp_path / 'model'}", *words]) == 0
        return tmp_path / "model", capsys.readouterr().out

    return fit


def fails(capsys, *words):
    assert main([str(word) for word in words]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"padimkit {words[0]}: error: ") and "Traceback" not in error
    return error


def test_a_fit_calibrates_and_says_what_it_can_promise(fit):
    model, output = fit()
    found = load_calibration(model)
    assert len(found.scores) == 12 and found.false_alarms == 1 / 13
    assert (
        f"12 normal images, scored as if they had not been learnt: NG above {found.threshold:.4g}" in output
    )
    assert "at most 7.69% false alarms" in output
    assert "The model does not look at 23.4% of an image" in output
    assert "So few images cannot promise less; 1% takes 99." in output
    assert [image.path.rpartition("/")[2] for image in load_learnt(model)] == [
        f"{n:03}.png" for n in range(12)
    ]


def test_a_fit_takes_the_rates_that_are_asked_for(fit):
    model, output = fit("--false_alarms=0.2", "--review=0.4")
    found = load_calibration(model)
    assert (found.false_alarms, found.review) == (0.2, 0.4)
    assert "So few" not in output


def test_a_fit_can_do_without_calibration_and_still_notes_what_it_has_learnt(fit):
    model, output = fit("--calibrate=false")
    assert "NG above" not in output and not (model / "calibration.json").exists()
    learnt = load_learnt(model)
    assert len(learnt) == 12 and all(image.score is None for image in learnt)


def test_a_fit_lists_suspicious_images(recipe, source, stripes, tmp_path, capsys):
    shutil.copy(stripes / "stripes/test/spot/000.png", stripes / "stripes/train/good/bad.png")
    assert main(["fit", str(recipe), *source, f"--output={tmp_path / 'model'}"]) == 0
    output = capsys.readouterr().out
    assert "1 suspicious training images, far above the others; have a look at them:" in output
    assert output.rstrip().splitlines()[-2].endswith("train/good/bad.png")


def test_a_rate_that_the_images_cannot_promise_is_refused_before_the_fit(recipe, source, tmp_path, capsys):
    error = fails(capsys, "fit", recipe, *source, f"--output={tmp_path / 'model'}", "--false_alarms=0.01")
    assert '"false_alarms" of 0.01 needs 99 normal images, and there are 12' in error
    assert not (tmp_path / "model").exists()


def never(*_, **__):
    raise AssertionError("this comes before the work")


@pytest.mark.parametrize(
    ("words", "folds"),
    [((), 1), ((), -2), (("--pipeline.augmentation.transforms=[RandomHorizontalFlip()]",), 13)],
)
def test_folds_that_the_images_cannot_be_divided_into_are_refused_before_the_fit(
    recipe, source, tmp_path, capsys, monkeypatch, words, folds
):
    monkeypatch.setattr(Pipeline, "fit", never)
    error = fails(capsys, "fit", recipe, *source, *words, f"--output={tmp_path / 'm'}", f"--folds={folds}")
    assert f'Expected "folds" from 2 to the 12 images, got {folds}.' in error
    assert not (tmp_path / "m").exists()


def test_more_folds_than_images_do_no_harm_where_none_are_needed(fit, folder):
    model, _ = fit("--folds=13")
    assert main(["calibrate", str(model), *folder, "--folds=13"]) == 0


def test_a_calibration_refuses_one_fold(fit, folder, capsys, monkeypatch):
    model, _ = fit()
    monkeypatch.setattr("padimkit.cli.calibrate.calibrate", never)
    assert "from 2 to the 12 images, got 1" in fails(capsys, "calibrate", model, *folder, "--folds=1")


def test_an_output_that_exists_is_refused_before_images_are_scored(
    fit, folder, tmp_path, capsys, monkeypatch
):
    model, _ = fit()
    monkeypatch.setattr("padimkit.cli.calibrate.calibrate", never)
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").touch()  # an empty folder is as good as a new one
    error = fails(capsys, "calibrate", model, *folder, f"--output={tmp_path / 'there'}")
    assert f'"{tmp_path / "there"}" exists. Choose another output or pass --overwrite.' in error
    error = fails(capsys, "calibrate", tmp_path / "there", *folder)
    assert "is not a model folder" in error


def test_a_fit_that_cannot_be_calibrated_is_kept_and_says_so(recipe, source, stripes, tmp_path, capsys):
    for path in sorted((stripes / "stripes/train/good").iterdir())[2:]:
        path.unlink()
    model = tmp_path / "model"
    assert main(["fit", str(recipe), *source, f"--output={model}"]) == 2
    printed = capsys.readouterr()
    assert "Fitted on 2 images in " in printed.out
    doubt, error = printed.err.splitlines()
    assert doubt.startswith("padimkit fit: warning: ") and error.startswith("padimkit fit: error: ")
    said = f"The model is fitted and in {model}, but it has no thresholds, since it cannot be calibrated: "
    assert f"{said}To leave one image out" in error
    assert (
        f"Run padimkit calibrate {model} --data folder --data.normal FOLDER, with other normal images."
        in error
    )
    bare = ["fit", str(recipe), *source, f"--output={tmp_path / 'bare'}", "--calibrate=false"]
    assert main(bare) == 0
    assert [path.name for path in sorted(model.iterdir())] == [
        path.name for path in sorted((tmp_path / "bare").iterdir())
    ]
    held_out = ["--data=folder", f"--data.normal={stripes / 'stripes/test/good'}"]
    assert main(["calibrate", str(model), *held_out]) == 0
    assert load_calibration(model).held_out


@pytest.mark.parametrize("words", [["--pipeline.density=merges_only"], ["--pipeline.augmentation.images=24"]])
@pytest.mark.parametrize("folds", [1, 13])
def test_folds_that_the_images_do_not_have_are_refused_before_the_fit(
    recipe, source, tmp_path, capsys, install, monkeypatch, words, folds
):
    install("merges-only", {"merges_only": "merges:MergesOnly"}, MERGES_ONLY, group="padimkit.densities")
    monkeypatch.setattr(Pipeline, "fit", lambda *_, **__: pytest.fail("the fit was begun"))
    flips = ["--pipeline.augmentation.transforms=[RandomHorizontalFlip()]"] if "augm" in words[0] else []
    output = f"--output={tmp_path / 'model'}"
    error = fails(capsys, "fit", recipe, *source, output, *words, *flips, f"--folds={folds}")
    assert f'Expected "folds" from 2 to the 12 images, got {folds}' in error
    assert not (tmp_path / "model").exists()


def test_a_stored_model_is_calibrated_anew_by_what_it_has_learnt(fit, folder, capsys):
    model, _ = fit()
    state, before = (model / "state.safetensors").read_bytes(), load_calibration(model)
    assert main(["calibrate", str(model), *folder, "--false_alarms=0.25"]) == 0
    found = load_calibration(model)
    assert found.scores == before.scores and found.false_alarms == 0.25 and not found.held_out
    assert (model / "state.safetensors").read_bytes() == state
    assert f"Calibrated; the model is in {model}" in capsys.readouterr().out


def test_or_by_images_that_it_has_not_learnt(fit, stripes, tmp_path):
    model, _ = fit()
    new = [
        "--data=folder",
        f"--data.normal={stripes / 'stripes/test/good'}",
        f"--output={tmp_path / 'other'}",
    ]
    assert main(["calibrate", str(model), *new]) == 0
    found = load_calibration(tmp_path / "other")
    assert found.held_out and len(found.scores) == 4
    assert load_learnt(tmp_path / "other") == load_learnt(model)
    assert len(load_calibration(model).scores) == 12


def test_a_mixture_of_both_is_refused(fit, stripes, folder, capsys):
    model, _ = fit()
    shutil.copy(stripes / "stripes/test/good/000.png", stripes / "stripes/train/good/new.png")
    error = fails(capsys, "calibrate", model, *folder)
    assert "12 of the 13 images are among the 12 that the model has learnt" in error


def test_a_model_that_does_not_say_what_it_has_learnt_must_be_told(fit, folder, capsys):
    model, _ = fit()
    manifest = json.loads((model / "manifest.json").read_text())
    for name in ("calibration.json", "training.csv"):
        (model / name).unlink()
        del manifest["sha256"][name]
    (model / "manifest.json").write_text(json.dumps(manifest))
    assert "does not say which images it has learnt" in fails(capsys, "calibrate", model, *folder)
    assert main(["calibrate", str(model), *folder, "--learnt=false"]) == 0
    assert load_calibration(model).held_out and load_learnt(model) == ()
    assert main(["calibrate", str(model), *folder, "--learnt=true"]) == 0
    assert not load_calibration(model).held_out and len(load_learnt(model)) == 12
    error = fails(capsys, "calibrate", model, *folder, "--learnt=false")
    assert f'"learnt" is False, but "{model}" has learnt all of the images.' in error


def test_images_that_the_model_has_learnt_are_not_tested_unless_asked_for(fit, source, stripes, capsys):
    model, _ = fit()
    assert main(["evaluate", str(model), *source]) == 0
    shutil.copy(stripes / "stripes/train/good/003.png", stripes / "stripes/test/good/other_name.png")
    error = fails(capsys, "evaluate", model, *source)
    assert "1 of the 9 test images are among those that the model has learnt" in error
    assert 'test/good/other_name.png" was learnt as' in error and "003.png" in error
    assert main(["evaluate", str(model), *source, "--learnt_too"]) == 0


def test_one_file_serves_all_commands(recipe, source, stripes, tmp_path):
    settings = tmp_path / "all.yaml"
    data = f"data: {{class_path: mvtec, init_args: {{root: {stripes}, category: stripes}}}}\n"
    settings.write_text(PIPELINE + data + "false_alarms: 0.25\nreview: 0.5\nfolds: 3\ncalibrate: true\n")
    model = str(tmp_path / "model")
    assert main(["fit", str(settings), f"--output={model}"]) == 0
    assert main(["calibrate", model, f"--config={settings}"]) == 0
    assert main(["evaluate", model, f"--config={settings}"]) == 0
    assert main(["evaluate", str(settings)]) == 0
    assert load_calibration(model).false_alarms == 0.25
