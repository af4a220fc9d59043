"""The command line as a user meets it; one process is one call of main."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import yaml
from PIL import Image
from quick_recipe import PIPELINE

import padimkit
from padimkit.cli.main import COMMANDS, main
from padimkit.errors import BadConfig
from padimkit.pipeline.pipeline import Pipeline
from padimkit.registry.recipes import find_recipe


class Shares(padimkit.PixelAUROC, padimkit.NamedValues):
    directions: ClassVar = {"rest": False}

    def named_values(self):
        return {"rest": 1 - self.compute()}


def fails(capsys, *words):
    """The message of a command that fails as it should: exit status 2, one message, no traceback."""
    assert main([str(word) for word in words]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"padimkit {words[0]}: error: ")
    assert "Traceback" not in error
    return error


def test_without_a_recipe_the_default_is_fitted(stripes, tmp_path):
    words = ["--data=folder", f"--data.normal={stripes / 'stripes' / 'train'}", "--batch_size=6"]
    assert main(["fit", *words, f"--output={tmp_path / 'model'}"]) == 0
    assert str(padimkit.load(tmp_path / "model").backbone) == str(padimkit.load_recipe().backbone)


@pytest.mark.parametrize("command", ["fit", "evaluate"])
@pytest.mark.parametrize("first", [[], ["data.yaml"], ["--config", "data.yaml"]])
def test_without_a_recipe_options_change_the_default(command, first, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("data.yaml").write_text("data: synthetic\nbatch_size: 3\n")
    words = [
        *first,
        "--data=synthetic",
        "--pipeline.density.eps=0.3",
        "--pipeline.preprocessing.resize",
        "96",
    ]
    words += ["--pipeline.reducer=random_channels", "--pipeline.reducer.keep=7", "--print_config"]
    found = printed_pipeline(capsys, command, *words)
    default = printed_pipeline(capsys, command, "padim-lite0", "--data=synthetic", "--print_config")
    default["density"]["init_args"]["eps"] = 0.3
    default["preprocessing"]["resize"] = 96
    default["reducer"] = {"class_path": "random_channels", "init_args": {"keep": 7, "seed": 0}}
    assert found == default


def test_a_whole_pipeline_does_not_change_the_default(recipe, capsys):
    given = printed_pipeline(capsys, "fit", "--config", str(recipe), "--data=synthetic", "--print_config")
    assert given["preprocessing"]["resize"] == 32 and given["map"]["sigma"] == 1
    whole = "--pipeline={backbone: pixels, reducer: identity, density: gaussian}"
    given = printed_pipeline(capsys, "fit", whole, "--data=synthetic", "--print_config")
    assert given["backbone"]["class_path"] == "pixels" and given["preprocessing"]["resize"] == 256


def printed_pipeline(capsys, *words):
    """The pipeline of the settings that a command prints."""
    with pytest.raises(SystemExit):
        main(list(words))
    return yaml.safe_load(capsys.readouterr().out)["pipeline"]


def test_evaluate_prints_a_table_and_writes_a_result(recipe, source, tmp_path, capsys):
    assert main(["evaluate", str(recipe), *source, f"--output={tmp_path / 'result.json'}"]) == 0
    output = capsys.readouterr().out
    result = json.loads((tmp_path / "result.json").read_text())
    assert list(result["metrics"]) == ["image_auroc", "pixel_auroc", "pro"]
    assert f"image_auroc  {result['metrics']['image_auroc']:.4f}" in output
    assert "8 test images, 4 of them anomalous" in output
    assert "The model does not look at 23.4% of an image" in output
    assert result["seen"] == pytest.approx((28 / 32) ** 2) and result["invisible"] == []
    assert result["metrics"]["image_auroc"] > 0.9
    assert result["seconds"].keys() == {"fit", "predict", "metrics"}
    assert result["versions"].keys() >= {"python", "padimkit", "torch"}
    assert result["config"]["pipeline"]["reducer"] == {
        "class_path": "random_channels",
        "init_args": {"keep": 2, "seed": 1},
    }
    assert [image["anomalous"] for image in result["images"]] == [False] * 4 + [True] * 4


def test_evaluate_says_how_many_anomalous_images_have_no_visible_defect(
    recipe, source, stripes, tmp_path, capsys
):
    mask = np.zeros((48, 48), dtype=np.uint8)
    mask[0, 0] = 255  # in the margin that the crop leaves out
    Image.fromarray(mask).save(stripes / "stripes" / "ground_truth" / "spot" / "001_mask.png")
    assert main(["evaluate", str(recipe), *source, f"--output={tmp_path / 'result.json'}"]) == 0
    assert "1 of 4 anomalous images have no anomalous pixel where the model looks" in capsys.readouterr().out
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["invisible"] == [str(stripes / "stripes" / "test" / "spot" / "001.png")]


def test_what_looks_at_all_says_nothing_of_margins(recipe, source, tmp_path, capsys):
    assert main(["evaluate", str(recipe), *source, "--pipeline.preprocessing.crop=null"]) == 0
    assert "does not look" not in capsys.readouterr().out


def test_a_result_holds_the_settings_that_give_it_again(recipe, source, tmp_path):
    first, second, settings = tmp_path / "1.json", tmp_path / "2.json", tmp_path / "again.yaml"
    main(["evaluate", str(recipe), *source, "--seed=5", f"--output={first}"])
    config = json.loads(first.read_text())["config"] | {"output": str(second)}
    settings.write_text(yaml.safe_dump(config))
    assert main(["evaluate", str(settings)]) == 0
    assert json.loads(first.read_text())["images"] == json.loads(second.read_text())["images"]


def test_a_stored_model_is_evaluated_as_it_is(model, recipe, source, tmp_path):
    whole, stored = tmp_path / "whole.json", tmp_path / "stored.json"
    main(["evaluate", str(recipe), *source, f"--output={whole}"])
    assert main(["evaluate", str(model), *source, f"--output={stored}"]) == 0
    whole, stored = json.loads(whole.read_text()), json.loads(stored.read_text())
    assert whole["images"] == stored["images"]
    assert whole["metrics"].items() <= stored["metrics"].items()
    assert "fit" not in stored["seconds"]


def test_a_calibrated_model_is_evaluated_by_its_threshold_too(model, source, tmp_path, capsys):
    assert main(["calibrate", str(model), *source, "--false_alarms=0.6"]) == 0
    words = ["evaluate", str(model), *source, "--metrics=[image_auroc]"]
    assert main([*words, f"--output={tmp_path / 'result.json'}"]) == 0
    found = json.loads((tmp_path / "result.json").read_text())
    threshold = padimkit.load_calibration(model).threshold
    alarms = {kind: [] for kind in (False, True)}
    for image in found["images"]:
        alarms[image["anomalous"]].append(image["score"] > threshold)
    assert any(alarms[False])
    rates = {"false_alarms": np.mean(alarms[False]), "misses": 1 - np.mean(alarms[True])}
    assert found["metrics"] == {"image_auroc": found["metrics"]["image_auroc"], **rates}
    assert f"false_alarms  {rates['false_alarms']:.4f}" in capsys.readouterr().out


def test_a_model_without_calibration_is_evaluated_without_verdicts(recipe, source, tmp_path, capsys):
    model = tmp_path / "plain"
    assert main(["fit", str(recipe), *source, f"--output={model}", "--calibrate=false"]) == 0
    assert main(["evaluate", str(model), *source, "--metrics=[image_auroc]"]) == 0
    assert "misses" not in capsys.readouterr().out


def test_predict_writes_scores_maps_and_overlays(model, stripes, tmp_path):
    out = tmp_path / "out"
    assert main(["predict", str(model), str(stripes / "stripes" / "test"), f"--output={out}"]) == 0
    rows = list(csv.DictReader((out / "scores.csv").read_text().splitlines()))
    assert len(rows) == 8
    scale = json.loads((out / "scale.json").read_text())
    maps = {}
    for row in rows:
        name = row["path"].partition("/test/")[2]
        with Image.open(out / "maps" / name) as picture:
            assert picture.mode.startswith("I")
            values = np.asarray(picture) / 65535 * (scale["maximum"] - scale["minimum"]) + scale["minimum"]
        assert values.max() == pytest.approx(float(row["score"]), abs=scale["maximum"] / 65535)
        maps[name] = values
        with Image.open(out / "overlays" / name) as picture:
            assert (picture.size, picture.mode) == ((28, 28), "RGB")
    assert maps["spot/000.png"].max() > maps["good/000.png"].max()
    assert sorted(path.name for path in out.iterdir()) == ["maps", "overlays", "scale.json", "scores.csv"]


def test_predict_takes_single_images_of_any_size_and_names_them_apart(model, stripes, tmp_path):
    for name, size in (("a/x.png", 20), ("a/x.jpg", 70), ("b/x.png", 48)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (size, size + 3), 100).save(tmp_path / name)
    words = [str(tmp_path / name) for name in ("a/x.png", "a/x.jpg", "b/x.png", "a")]
    assert main(["predict", str(model), *words, f"--output={tmp_path / 'out'}"]) == 0
    maps = tmp_path / "out" / "maps"
    names = sorted(str(path.relative_to(maps)) for path in maps.rglob("*.png"))
    assert names == ["a/x.jpg.png", "a/x.png.png", "b/x.png"]


def test_one_file_serves_fit_evaluate_and_predict(recipe, stripes, tmp_path):
    file = tmp_path / "all.yaml"
    data = {"class_path": "mvtec", "init_args": {"root": str(stripes), "category": "stripes"}}
    rest = {"data": data, "metrics": ["image_auroc"], "batch_size": 3}
    file.write_text(PIPELINE + yaml.safe_dump(rest))
    assert main(["fit", str(file), f"--output={tmp_path / 'model'}"]) == 0
    assert main(["evaluate", str(file)]) == 0
    assert main(["evaluate", str(tmp_path / "model"), f"--config={file}"]) == 0
    image = stripes / "stripes" / "test" / "spot" / "000.png"
    words = [str(tmp_path / "model"), str(image), f"--config={file}", f"--output={tmp_path / 'out'}"]
    assert main(["predict", *words]) == 0


def test_a_fit_makes_no_metrics(recipe, source, tmp_path):
    words = ["fit", str(recipe), *source, f"--output={tmp_path / 'model'}"]
    code = (
        "import sys, padimkit.cli.main\n"
        f"assert padimkit.cli.main.main({words!r}) == 0\n"
        "assert not [name for name in sys.modules if name.startswith('padimkit.metrics')]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_options_win_over_the_file(recipe, source, tmp_path):
    words = ["--pipeline.density=gaussian", "--pipeline.density.eps=0.5", "--pipeline.levels", "separate"]
    words += ["--pipeline.reducer=pca", "--pipeline.reducer.keep=3", "--metrics=[pro, image_auroc]"]
    words += ["--metrics+=pixel_auroc", f"--output={tmp_path / 'result.json'}"]
    assert main(["evaluate", str(recipe), *source, *words]) == 0
    config = json.loads((tmp_path / "result.json").read_text())["config"]
    assert config["pipeline"]["density"]["init_args"]["eps"] == 0.5
    assert config["pipeline"]["levels"]["class_path"] == "separate"
    assert config["pipeline"]["reducer"] == {
        "class_path": "pca",
        "init_args": {"keep": 3, "which": "high_variance"},
    }
    assert [metric["class_path"] for metric in config["metrics"]] == ["pro", "image_auroc", "pixel_auroc"]


def test_a_single_metric_needs_no_list(recipe, source, tmp_path):
    words = ["--metrics=pro", f"--output={tmp_path / 'result.json'}"]
    assert main(["evaluate", str(recipe), *source, *words]) == 0
    assert list(json.loads((tmp_path / "result.json").read_text())["metrics"]) == ["pro"]


def test_any_torchmetrics_metric_is_taken_by_class_path(recipe, source, tmp_path):
    metric = (
        "{class_path: torchmetrics, init_args: {metric: torchmetrics.classification.BinaryAveragePrecision}}"
    )
    words = [f"--metrics=[image_auroc, {metric}]", f"--output={tmp_path / 'result.json'}"]
    assert main(["evaluate", str(recipe), *source, *words]) == 0
    metrics = json.loads((tmp_path / "result.json").read_text())["metrics"]
    assert list(metrics) == ["image_auroc", "torchmetrics(metric=BinaryAveragePrecision, level=image)"]


def test_the_seed_option_sets_the_seed_of_every_part(recipe, source, tmp_path):
    for seed in (1, 2):
        main(["fit", str(recipe), *source, f"--seed={seed}", f"--output={tmp_path / str(seed)}"])
        settings = yaml.safe_load((tmp_path / str(seed) / "config.yaml").read_text())
        assert settings["pipeline"]["reducer"]["init_args"]["seed"] == seed


def test_print_config_prints_settings_that_can_be_read_again(recipe, source, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", str(recipe), *source, "--print_config"])
    assert stopped.value.code == 0
    printed = capsys.readouterr().out
    assert "padimkit." not in printed
    (tmp_path / "printed.yaml").write_text(printed)
    assert main(["evaluate", str(tmp_path / "printed.yaml")]) == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_help_explains_itself(command, capsys):
    try:
        assert main([command, "--help"]) == 0
    except SystemExit as stopped:
        assert stopped.code == 0
    output = capsys.readouterr().out
    assert f"padimkit {command}" in output
    if command in ("fit", "evaluate"):
        assert "padim-r18-rd100" in output


def test_plugins_lists_every_family_with_distribution_and_version(capsys):
    assert main(["plugins"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["family", "name", "distribution", "version", "description"]
    for family, name, description in (
        ("backbones", "timm", "Feature maps of any model of timm, computed only up to the last layer."),
        ("reducers", "identity", "No reduction: every channel stays as it is."),
        ("densities", "gaussian", "Mahalanobis distance, with square root, to a Gaussian (PaDiM paper, "),
        ("datasets", "mvtec", "One category in the layout of MVTec AD (Bergmann et al. 2019)"),
    ):
        (line,) = [line for line in lines if line.split()[:3] == [family, name, "padimkit"]]
        assert description in line


def test_debug_shows_the_traceback(capsys):
    assert main(["predict", "nowhere", "nothing", "--output=x", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_pipe_that_closes_early_is_no_error():
    done = subprocess.run(
        f"{sys.executable} -m padimkit plugins | head -1", shell=True, capture_output=True, text=True
    )
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "command"),
    [
        *(([command], command) for command in COMMANDS if command not in ("plugins", "records")),
        (["plugins"], "plugins list"),
        (["records", "schema"], "records schema"),
        (["plugins", "list"], "plugins list"),
        (["plugins", "show", "pca"], "plugins show"),
        (["plugins", "new", "metric", "fresh"], "plugins new"),
    ],
)
def test_an_unknown_option_is_one_line_in_one_style_for_all_commands(words, command, capsys):
    said = f"Unrecognized arguments: --nonesuch. padimkit {command} --help lists all."
    assert fails(capsys, *words, "--nonesuch") == f"padimkit {words[0]}: error: {said}\n"


class TestBadInput:
    """Every mistake gets one message that names the file or key."""

    def test_an_unknown_command(self, capsys):
        assert main(["fti"]) == 2
        assert 'no command "fti"' in capsys.readouterr().err

    def test_an_unknown_recipe(self, capsys, source):
        assert "Did you mean 'padim-r18-rd100'" in fails(
            capsys, "fit", "padim-r18-rd10", *source, "--output=x"
        )

    def test_an_unknown_plugin(self, capsys, recipe, source):
        message = fails(capsys, "evaluate", recipe, *source, "--pipeline.density=gausian")
        assert '"gausian"' in message
        assert "'gaussian'" in message

    def test_an_unknown_data_set(self, capsys, recipe):
        assert "'mvtec'" in fails(capsys, "evaluate", recipe, "--data=mvtek")

    def test_an_unknown_key_in_a_file(self, capsys, recipe, source):
        recipe.write_text(PIPELINE.replace("keep", "kep"))
        message = fails(capsys, "evaluate", recipe, *source)
        assert "\"pipeline.reducer.init_args.kep\". Did you mean 'keep'?" in message
        recipe.write_text(PIPELINE.replace("density", "densty"))
        assert "\"pipeline.densty\". Did you mean 'density'?" in fails(capsys, "evaluate", recipe, *source)
        recipe.write_text(PIPELINE.replace("sigma", "sigmma"))
        assert "sigmma" in fails(capsys, "evaluate", recipe, *source)
        recipe.write_text(PIPELINE + "batchsize: 3\n")
        assert "\"batchsize\". Did you mean 'batch_size'?" in fails(capsys, "evaluate", recipe, *source)

    def test_metrics_of_a_fit(self, capsys, recipe, source, tmp_path):
        words = [recipe, *source, "--metrics=pro", f"--output={tmp_path / 'model'}"]
        assert "Unrecognized arguments: --metrics=pro" in fails(capsys, "fit", *words)

    def test_an_unknown_option(self, capsys, recipe, source):
        message = fails(capsys, "evaluate", recipe, *source, "--pipeline.reducer.kep=3")
        assert "kep" in message
        assert "'keep'" in message
        message = fails(capsys, "evaluate", recipe, *source, "--batchsize=3")
        assert "batchsize" in message
        assert "Did you mean '--batch_size'?" in message

    def test_a_wrong_type(self, capsys, recipe, source):
        message = fails(capsys, "evaluate", recipe, *source, "--pipeline.reducer.keep=many")
        assert "keep" in message
        assert "many" in message
        assert "batch_size" in fails(capsys, "evaluate", recipe, *source, "--batch_size=big")

    def test_a_value_out_of_range(self, capsys, recipe, source):
        assert '"eps"' in fails(capsys, "evaluate", recipe, *source, "--pipeline.density.eps=-1")
        message = fails(capsys, "evaluate", recipe, *source, "--pipeline.preprocessing.crop=99")
        assert '"crop"' in message

    def test_a_missing_argument(self, capsys, recipe, source):
        assert "data" in fails(capsys, "evaluate", recipe)
        assert "reducer" in fails(
            capsys, "evaluate", *source, "--pipeline={backbone: pixels, density: gaussian}"
        )
        assert '"output" is missing' in fails(capsys, "fit", recipe, *source)

    @pytest.mark.parametrize(
        ("key", "meaning"),
        [
            ("backbone.weights", '"hub" downloads the pretrained ones; "installed" takes'),
            ("density.eps", "Added to the diagonal of the covariance"),
            ("levels.window", "Side of the neighbourhood"),
        ],
    )
    def test_null_in_the_place_of_a_value(self, capsys, source, key, meaning, tmp_path):
        message = fails(capsys, "evaluate", "padim-lite0", *source, f"--pipeline.{key}=null")
        assert f'"pipeline.{key}" is null, which it does not take. {meaning}' in message
        settings = yaml.safe_load(find_recipe("padim-lite0").read_text())
        part, name = key.split(".")
        if isinstance(settings["pipeline"][part], str):
            settings["pipeline"][part] = {"class_path": settings["pipeline"][part]}
        settings["pipeline"][part].setdefault("init_args", {})[name] = None
        (tmp_path / "nulls.yaml").write_text(yaml.safe_dump(settings))
        assert "is null" in fails(capsys, "fit", tmp_path / "nulls.yaml", *source)
        with pytest.raises(BadConfig, match=f'"pipeline.{key}" is null'):
            padimkit.load_recipe(tmp_path / "nulls.yaml")

    def test_null_where_a_part_takes_it(self, recipe, source, tmp_path):
        words = ["--pipeline.density.memory_budget=null", f"--output={tmp_path / 'model'}"]
        assert main(["fit", str(recipe), *source, *words]) == 0

    def test_a_file_that_is_no_yaml(self, capsys, recipe, source):
        recipe.write_text("pipeline: {")
        assert str(recipe) in fails(capsys, "evaluate", recipe, *source)
        recipe.write_bytes(b"\xff\xfe\x00")
        assert str(recipe) in fails(capsys, "evaluate", recipe, *source)

    def test_keep_larger_than_the_channels(self, capsys, recipe, source, tmp_path):
        out = tmp_path / "model"
        message = fails(capsys, "fit", recipe, *source, "--pipeline.reducer.keep=4", f"--output={out}")
        assert '"keep" from 1 to the 3 channels' in message
        assert not out.exists()

    def test_a_category_that_does_not_exist(self, capsys, recipe, stripes):
        words = ["--data=mvtec", f"--data.root={stripes}", "--data.category=stripe"]
        assert "stripes" in fails(capsys, "evaluate", recipe, *words)

    def test_no_images(self, capsys, recipe, source, stripes, model, tmp_path):
        shutil.rmtree(stripes / "stripes" / "train" / "good")
        assert "train" in fails(capsys, "evaluate", recipe, *source)
        (tmp_path / "empty").mkdir()
        assert "holds no images" in fails(
            capsys, "predict", model, tmp_path / "empty", f"--output={tmp_path / 'out'}"
        )

    def test_one_training_image(self, capsys, recipe, source, stripes):
        for path in sorted((stripes / "stripes" / "train" / "good").iterdir())[1:]:
            path.unlink()
        assert "at least 2 training images, found 1" in fails(capsys, "evaluate", recipe, *source)

    @pytest.mark.parametrize("content", [b"", b"no image", "truncated"])
    def test_an_image_that_cannot_be_read(self, capsys, recipe, source, stripes, tmp_path, content):
        image = stripes / "stripes" / "train" / "good" / "003.png"
        image.write_bytes(image.read_bytes()[:600] if content == "truncated" else content)
        out = tmp_path / "model"
        assert str(image) in fails(capsys, "fit", recipe, *source, f"--output={out}")
        assert str(image) in fails(capsys, "fit", recipe, *source, f"--output={out}", "--workers=1")
        assert not [path for path in tmp_path.iterdir() if "model" in path.name]

    def test_a_mask_of_another_size(self, capsys, recipe, source, stripes):
        mask = stripes / "stripes" / "ground_truth" / "spot" / "001_mask.png"
        Image.new("L", (40, 48)).save(mask)
        message = fails(capsys, "evaluate", recipe, *source)
        assert str(mask) in message
        assert "40 x 48" in message

    def test_a_test_set_with_one_class(self, capsys, recipe, source, stripes):
        shutil.rmtree(stripes / "stripes" / "test" / "spot")
        message = fails(capsys, "evaluate", recipe, *source)
        assert "No metric is defined on this test set" in message
        assert "nan" not in message

    def test_a_reason_for_several_values_is_said_once(self, capsys, recipe, source, stripes, monkeypatch):
        monkeypatch.setattr("padimkit.registry.registry._SESSION", {})
        padimkit.Registry("metrics").add(Shares, "shares")
        shutil.rmtree(stripes / "stripes" / "test" / "spot")
        message = fails(capsys, "evaluate", recipe, *source, "--metrics=[shares]")
        assert message.count("pixel_auroc needs normal and anomalous pixels") == 1

    def test_a_test_set_without_masks_still_has_an_image_auroc(self, capsys, recipe, source, stripes):
        shutil.rmtree(stripes / "stripes" / "ground_truth")
        assert main(["evaluate", str(recipe), *source]) == 0
        output = capsys.readouterr().out
        assert "pro          undefined: " in output
        assert "image_auroc  1.0000" in output or "image_auroc  0.9" in output

    def test_an_unfit_model_folder(self, capsys, model, stripes, tmp_path):
        (model / "state.safetensors").write_bytes(b"")
        images = stripes / "stripes" / "train"
        message = fails(capsys, "predict", model, images, f"--output={tmp_path / 'out'}")
        assert "state.safetensors" in message
        assert not (tmp_path / "out").exists()

    def test_an_output_that_exists(self, capsys, recipe, source, model):
        before = (model / "manifest.json").read_bytes()
        assert "--overwrite" in fails(capsys, "fit", recipe, *source, f"--output={model}")
        assert (model / "manifest.json").read_bytes() == before
        assert main(["fit", str(recipe), *source, f"--output={model}", "--overwrite"]) == 0

    def test_an_output_that_cannot_be_written(self, capsys, recipe, source, tmp_path):
        (tmp_path / "file").write_text("")
        message = fails(capsys, "fit", recipe, *source, f"--output={tmp_path / 'file' / 'model'}")
        assert "cannot be written" in message

    def test_a_device_that_is_not_there(self, capsys, recipe, source):
        assert '"cuda:77"' in fails(capsys, "evaluate", recipe, *source, "--device=cuda:77")

    def test_an_output_that_would_destroy_or_join_the_input(self, capsys, model, stripes):
        images = stripes / "stripes" / "train"
        before = sorted(images.rglob("*"))
        assert "inside the input" in fails(
            capsys, "predict", model, images, f"--output={images}", "--overwrite"
        )
        assert "inside the input" in fails(capsys, "predict", model, images, f"--output={images / 'out'}")
        words = ["--data=folder", f"--data.normal={images}", f"--output={images}", "--overwrite"]
        message = fails(capsys, "fit", "padim-filter-bank", *words)
        assert 'it has no "manifest.json"' in message
        assert sorted(images.rglob("*")) == before

    @pytest.mark.parametrize("metrics", ["[]", "[pro, pro]"])
    def test_no_metrics_or_one_twice(self, capsys, recipe, source, metrics):
        assert '"metrics"' in fails(capsys, "evaluate", recipe, *source, f"--metrics={metrics}")

    def test_values_that_are_no_yaml_or_no_group(self, capsys, recipe, source):
        for word in ("--data={", "--metrics=[", "--pipeline=[a]", "--pipeline.map=[a]"):
            key = word.removeprefix("--").partition("=")[0]
            assert f'"{key}"' in fails(capsys, "evaluate", recipe, *source, word)

    def test_a_class_that_is_no_part(self, capsys, recipe, source):
        message = fails(capsys, "evaluate", recipe, *source, "--pipeline.reducer=collections.OrderedDict")
        assert '"collections.OrderedDict" is not a Reducer' in message

    @pytest.mark.parametrize(
        ("word", "wrapped"),
        [
            (
                "--metrics=[torchmetrics.classification.BinaryAUROC]",
                "torchmetrics, init_args: {metric: {class_path: torchmetrics.classification.BinaryAUROC}}",
            ),
            (
                "--pipeline.reducer=sklearn.decomposition.PCA",
                "scikit_learn, init_args: {estimator: {class_path: sklearn.decomposition.PCA}}",
            ),
            (
                "--pipeline.backbone=torchvision.models.resnet18",
                "torch_module, init_args: {module: {class_path: torchvision.models.resnet18}}",
            ),
        ],
    )
    def test_what_other_packages_have_and_an_adapter_takes(self, capsys, recipe, source, word, wrapped):
        message = fails(capsys, "evaluate", recipe, *source, word)
        assert f"Wrap it: {{class_path: {wrapped}}}." in message

    def test_images_that_do_not_exist(self, capsys, model, tmp_path):
        message = fails(capsys, "predict", model, tmp_path / "nothing.png", f"--output={tmp_path / 'out'}")
        assert "nothing.png" in message


def test_yaml_command_line_and_python_agree_exactly(recipe, source, stripes, tmp_path):
    from padimkit import AnomalyMap, Preprocessing, evaluate
    from padimkit.backbones.pixels import Pixels
    from padimkit.datasets.mvtec import MVTec
    from padimkit.densities.gaussian import Gaussian
    from padimkit.metrics.pro import PRO
    from padimkit.reducers.random_channels import RandomChannels

    main(["evaluate", str(recipe), *source, "--metrics=[pro]", f"--output={tmp_path / 'yaml.json'}"])
    words = ["--pipeline.backbone=pixels", "--pipeline.reducer=random_channels", "--pipeline.reducer.keep=2"]
    words += ["--pipeline.reducer.seed=1", "--pipeline.density=gaussian", "--pipeline.map.sigma=1"]
    words += ["--pipeline.preprocessing.resize=32", "--pipeline.preprocessing.crop=28", "--metrics=[pro]"]
    main(["evaluate", *words, *source, f"--output={tmp_path / 'words.json'}"])
    pipeline = Pipeline(
        Pixels(),
        RandomChannels(keep=2, seed=1),
        Gaussian(),
        map=AnomalyMap(sigma=1.0),
        preprocessing=Preprocessing(resize=32, crop=28),
    )
    data = MVTec(stripes, "stripes")
    pipeline.fit(data.train())
    python = evaluate(pipeline, data.test(), {"pro": PRO()})
    for name in ("yaml", "words"):
        result = json.loads((tmp_path / f"{name}.json").read_text())
        assert result["metrics"] == python.metrics
        assert [image["score"] for image in result["images"]] == [image.score for image in python.images]


def test_nothing_is_written_outside_the_output(stripes, tmp_path):
    """With the default recipe, in a process in which nothing is imported yet."""
    places = {name: tmp_path / name for name in ("HOME", "TMPDIR", "here")}
    for place in places.values():
        place.mkdir()
    left_out = {"MPLCONFIGDIR", "TORCHINDUCTOR_CACHE_DIR"}
    kept = {name: value for name, value in os.environ.items() if name not in left_out and "XDG" not in name}
    environment = kept | {name: str(places[name]) for name in ("HOME", "TMPDIR")}
    good, model = stripes / "stripes" / "train" / "good", tmp_path / "model"
    data = ["--data=folder", f"--data.normal={good}"]
    commands = (
        ["fit", *data, f"--output={model}", "--pipeline.preprocessing.resize=64"],
        ["predict", str(model), str(good), f"--output={tmp_path / 'out'}"],
        ["inspect", str(model), str(good), f"--output={tmp_path / 'verdicts'}", "--pictures=all"],
    )
    code = f"from padimkit.cli.main import main\nfor words in {commands!r}:\n    assert main(words) in (0, 1)"
    subprocess.run([sys.executable, "-B", "-c", code], env=environment, cwd=places["here"], check=True)
    assert (tmp_path / "out").is_dir() and (tmp_path / "verdicts").is_dir()
    assert [path for place in places.values() for path in place.rglob("*")] == []


@pytest.mark.parametrize(
    "words",
    [
        ["info", ""],
        ["predict", "model", ""],
        ["inspect", "model", "", "--watch", "--sort=move"],
        ["fit", "--data=folder", "--data.normal=", "--output=model"],
        ["report", ""],
        ["clean", ""],
        ["serve", "", "--port=0"],
        ["serve", "a=", "--port=0"],
    ],
    ids=" ".join,
)
def test_a_path_that_is_empty_is_not_taken_for_the_working_folder(words, tmp_path, monkeypatch, capsys):
    """As where a variable of a script is not set: all images below would be scored, or moved."""
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    said = capsys.readouterr().err
    assert 'is empty. Write "." for the folder itself.' in said or "names no model" in said
