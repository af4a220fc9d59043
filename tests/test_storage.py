import dataclasses
import json
import os
import pickle
import resource
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
import yaml

from padimkit import (
    LearntImage,
    NotCalibrated,
    calibrate,
    calibrate_held_out,
    load,
    load_calibration,
    load_learnt,
    save,
    save_calibration,
)
from padimkit.backbones.pixels import Pixels
from padimkit.config.description import plugins_of
from padimkit.contracts import DensityModel
from padimkit.densities.gaussian import Gaussian
from padimkit.errors import BadArgument, BadModel, BadOutput, BrokenPlugin, NotFitted
from padimkit.images.augmentation import Augmentation
from padimkit.images.preprocessing import Preprocessing
from padimkit.pipeline.anomaly_map import AnomalyMap
from padimkit.pipeline.levels import Separate
from padimkit.pipeline.pipeline import Pipeline
from padimkit.reducers.random_channels import RandomChannels
from padimkit.storage import load_parts
from padimkit.values import Batch


@pytest.fixture
def pipeline():
    """The same in each run, since most tests are about its files; some draw what it is given then."""
    generator = torch.Generator().manual_seed(0)
    pipeline = Pipeline(
        Pixels(),
        RandomChannels(keep=2, seed=4),
        Gaussian(eps=0.02),
        levels=Separate(pooling="local", window=3),
        map=AnomalyMap(sigma=1.5),
        preprocessing=Preprocessing(resize=16, crop=12),
    )
    pipeline.fit([Batch(torch.rand(6, 3, 12, 12, generator=generator), ("x",) * 6)])
    return pipeline


@pytest.fixture
def model(pipeline, tmp_path):
    save(pipeline, tmp_path / "model")
    return tmp_path / "model"


def rewrite(model, change):
    """Changes the stored settings as an attacker would, with a manifest that fits."""
    import hashlib

    settings = yaml.safe_load((model / "config.yaml").read_text())
    change(settings["pipeline"])
    (model / "config.yaml").write_text(yaml.safe_dump(settings))
    manifest = json.loads((model / "manifest.json").read_text())
    manifest["sha256"]["config.yaml"] = hashlib.sha256((model / "config.yaml").read_bytes()).hexdigest()
    (model / "manifest.json").write_text(json.dumps(manifest))


def test_a_loaded_model_predicts_the_same_bit_for_bit(pipeline, model, generator):
    images = torch.rand(2, 3, 12, 12, generator=generator)
    loaded = load(model)
    assert torch.equal(loaded.predict(images).anomaly_maps, pipeline.predict(images).anomaly_maps)
    assert loaded.preprocessing == Preprocessing(resize=16, crop=12)


# By section, the arguments that models of format 1 were stored without once, as they did not exist.
LATER = {
    "levels": ["border"],
    "map": ["upsampling"],
    "preprocessing": ["interpolation"],
    "augmentation": ["before_resize"],
}


def without_later(settings):
    for section, names in LATER.items():
        for name in names:
            del settings[section].get("init_args", settings[section])[name]


def test_a_model_is_loaded_with_a_number_of_threads(model):
    before = torch.get_num_threads()
    try:
        load(model, threads=2)
        assert torch.get_num_threads() == 2
        load(model)
        assert torch.get_num_threads() == 2
        for wrong in (0, 1025, 1.5, True):
            with pytest.raises(BadArgument, match="threads"):
                load(model, threads=wrong)
    finally:
        torch.set_num_threads(before)


def test_a_model_of_before_its_arguments_were_there_keeps_its_scores_bit_for_bit(pipeline, model, generator):
    rewrite(model, without_later)
    images = torch.rand(2, 3, 12, 12, generator=generator)
    assert torch.equal(load(model).predict(images).anomaly_maps, pipeline.predict(images).anomaly_maps)


def test_the_folder_holds_settings_by_short_name_and_versions(model):
    settings = yaml.safe_load((model / "config.yaml").read_text())["pipeline"]
    assert settings == {
        "backbone": {"class_path": "pixels", "init_args": {}},
        "reducer": {"class_path": "random_channels", "init_args": {"keep": 2, "seed": 4}},
        "density": {
            "class_path": "gaussian",
            "init_args": {
                "eps": 0.02,
                "covariance": "empirical",
                "scope": "per_position",
                "precision": "float32",
                "storage": "full",
                "memory_budget": None,
            },
        },
        "levels": {
            "class_path": "separate",
            "init_args": {"pooling": "local", "window": 3, "border": "existing"},
        },
        "map": {"sigma": 1.5, "image_score": "after", "upsampling": "bicubic"},
        "preprocessing": {
            "resize": 16,
            "crop": 12,
            "pad": None,
            "roi": None,
            "bits": "auto",
            "tiles": None,
            "most_pixels": 178956970,
            "interpolation": "bicubic",
        },
        "augmentation": {"transforms": [], "images": None, "seed": 0, "before_resize": []},
    }
    manifest = json.loads((model / "manifest.json").read_text())
    assert manifest["format_version"] == 1
    assert [plugin["name"] for plugin in manifest["plugins"]] == [
        "pixels",
        "random_channels",
        "gaussian",
        "separate",
        "smoothed",
    ]
    assert sorted(path.name for path in model.iterdir()) == [
        "config.yaml",
        "manifest.json",
        "state.safetensors",
    ]


def test_the_same_pipeline_is_stored_in_the_same_bytes(pipeline, model, tmp_path):
    save(pipeline, tmp_path / "again")
    for path in model.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_a_loaded_model_can_be_updated(pipeline, model, generator):
    loaded, more = load(model), [Batch(torch.rand(3, 3, 12, 12, generator=generator), ("y",) * 3)]
    loaded.update(more)
    pipeline.update(more)
    images = torch.rand(2, 3, 12, 12, generator=generator)
    torch.testing.assert_close(loaded.predict(images).anomaly_maps, pipeline.predict(images).anomaly_maps)


@dataclasses.dataclass(frozen=True)
class Drawn(Augmentation):
    """A part of a pipeline that settings name by its values alone, with a rule of its own."""


@dataclasses.dataclass(frozen=True)
class Squeezed(Preprocessing):
    """Another one."""


@pytest.mark.parametrize("part", [Drawn(), Squeezed()], ids=lambda part: type(part).__name__)
def test_a_subclass_that_would_be_read_back_as_its_base_is_not_stored(pipeline, tmp_path, part):
    base = type(part).__base__.__name__
    setattr(pipeline, base.lower(), part)
    lost = f'Pipeline cannot be written down: its "{base.lower()}" is a {type(part).__name__}, a subclass of'
    with pytest.raises(BrokenPlugin, match=f"{lost} {base}"):
        save(pipeline, tmp_path / "lost")
    assert list(tmp_path.iterdir()) == []


def test_an_unfitted_pipeline_is_not_stored(tmp_path):
    with pytest.raises(NotFitted):
        save(Pipeline(Pixels(), RandomChannels(keep=2), Gaussian()), tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["config.yaml", "state.safetensors"])
def test_an_altered_file_is_refused(model, name):
    content = bytearray((model / name).read_bytes())
    content[-3] ^= 1
    (model / name).write_bytes(content)
    with pytest.raises(BadModel, match=f'{name}" has been altered or cut off'):
        load(model)


@pytest.mark.parametrize("name", ["config.yaml", "state.safetensors"])
def test_a_truncated_or_missing_file_is_refused(model, name):
    (model / name).write_bytes((model / name).read_bytes()[:-10])
    with pytest.raises(BadModel, match=f'{name}" has been altered or cut off'):
        load(model)
    (model / name).unlink()
    with pytest.raises(BadModel, match=f'has no "{name}"'):
        load(model)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format_version": "x"}', '{"format_version": 1}'])
def test_a_manifest_that_is_none_is_refused(model, text):
    (model / "manifest.json").write_text(text)
    with pytest.raises(BadModel, match='manifest.json"'):
        load(model)


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(BadModel, match='nowhere" is not a model folder: it does not exist'):
        load(tmp_path / "nowhere")
    with pytest.raises(BadModel, match='has no "manifest.json"'):
        load(tmp_path)


def test_a_newer_format_is_refused(model):
    manifest = json.loads((model / "manifest.json").read_text())
    (model / "manifest.json").write_text(json.dumps(manifest | {"format_version": 2, "padimkit": "9.0"}))
    with pytest.raises(BadModel, match="format 2, written by padimkit 9.0; .* reads up to format 1. Upgrade"):
        load(model)


def test_a_plugin_that_is_not_installed_is_named_with_what_provided_it(model):
    rewrite(model, lambda pipeline: pipeline["density"].update(class_path="flow", init_args={}))
    with pytest.raises(
        BadModel, match='No plugin "padimkit:flow" in the family "densities".*made with: padimkit'
    ):
        load(model)


def test_settings_that_do_not_fit_the_state_are_refused(model):
    rewrite(model, lambda pipeline: pipeline["density"]["init_args"].update(covariance="ledoit_wolf"))
    with pytest.raises(BadModel, match='The state of Gaussian lacks "cubic"'):
        load(model)


@pytest.fixture
def witness(tmp_path, monkeypatch):
    """A module that leaves a file behind when it is imported."""
    monkeypatch.syspath_prepend(str(tmp_path))
    source = f"""
        import pathlib
        pathlib.Path({str(tmp_path / "ran")!r}).touch()
        from padimkit.backbones.pixels import Pixels as Evil
    """
    (tmp_path / "evil_module.py").write_text(textwrap.dedent(source))
    yield tmp_path / "ran"
    sys.modules.pop("evil_module", None)


@pytest.mark.parametrize(
    "backbone",
    [
        {"class_path": "evil_module.Evil"},
        "evil_module.Evil",
        {"class_path": "pixels", "init_args": {"x": {"class_path": "evil_module.Evil"}}},
    ],
)
def test_code_that_is_no_installed_plugin_is_not_run_unless_trusted(model, witness, backbone):
    rewrite(model, lambda pipeline: pipeline.update(backbone=backbone))
    with pytest.raises(BadModel):
        load(model)
    assert not witness.exists()
    if backbone != {"class_path": "pixels", "init_args": {"x": {"class_path": "evil_module.Evil"}}}:
        with pytest.raises(BadModel, match='"evil_module.Evil", which is not an installed plugin.*--trust'):
            load(model)
        load(model, trust=True)
        assert witness.exists()


EVIL = '{"class_path": "evil_module.Evil"}'


@pytest.mark.parametrize(
    "change",
    [
        lambda pipeline: pipeline.update(map=EVIL),
        lambda pipeline: pipeline.update(preprocessing=EVIL),
        lambda pipeline: pipeline.update(levels=EVIL),
        lambda pipeline: pipeline.update(backbone=EVIL),
        lambda pipeline: pipeline.update(backbone="evil_module:Evil"),
        lambda pipeline: pipeline.update(backbone=["evil_module.Evil"]),
        lambda pipeline: pipeline["map"].update(sigma=EVIL),
        lambda pipeline: pipeline["map"].update(class_path="evil_module.Evil"),
        lambda pipeline: pipeline["density"]["init_args"].update(scope=EVIL),
    ],
)
def test_text_in_odd_places_of_a_stored_model_runs_nothing(model, witness, change):
    rewrite(model, change)
    with pytest.raises(BadModel):
        load(model)
    assert not witness.exists()


def test_a_stored_pipeline_that_is_text_is_refused(model, witness):
    import hashlib

    for content in (EVIL, str(model / "other.yaml"), "[]", ""):
        (model / "config.yaml").write_text(json.dumps({"pipeline": content}))
        manifest = json.loads((model / "manifest.json").read_text())
        digest = hashlib.sha256((model / "config.yaml").read_bytes()).hexdigest()
        manifest["sha256"]["config.yaml"] = digest
        (model / "manifest.json").write_text(json.dumps(manifest))
        with pytest.raises(BadModel, match="expected keys and values"):
            load(model)
    assert not witness.exists()


def test_numbers_of_numpy_are_stored_as_numbers(tmp_path):
    reducer = RandomChannels(keep=2)
    reducer.keep = np.int64(2)  # as without the type checker of the tests
    pipeline = Pipeline(Pixels(), reducer, Gaussian(eps=np.float64(0.02)))
    pipeline.fit([Batch(torch.rand(4, 3, 6, 6), ("x",) * 4)])
    save(pipeline, tmp_path / "numbers")
    assert load(tmp_path / "numbers").reducer.keep == 2


def test_plugins_inside_plugins_are_listed_too():
    class Wrapped(DensityModel):
        def __init__(self, inner):
            self.inner = inner

        fit = score = state_dict = load_state_dict = None

    wrapped = Pipeline(Pixels(), RandomChannels(keep=2), Wrapped([Gaussian()]))
    assert [plugin["name"] for plugin in plugins_of(wrapped)] == [
        "pixels",
        "random_channels",
        "gaussian",
        "joint",
        "smoothed",
    ]


def test_a_pickle_in_the_place_of_the_state_is_not_opened(model):
    import hashlib

    (model / "state.safetensors").write_bytes(pickle.dumps({"size": 1}))
    manifest = json.loads((model / "manifest.json").read_text())
    digest = hashlib.sha256((model / "state.safetensors").read_bytes()).hexdigest()
    manifest["sha256"]["state.safetensors"] = digest
    (model / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BadModel, match="do not fit together"):
        load(model)


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_all_files_of_a_model_follow_the_umask(pipeline, tmp_path, umask):
    old = os.umask(umask)
    try:
        save(pipeline, tmp_path / "shared")
    finally:
        os.umask(old)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "shared").iterdir()} == {0o666 & ~umask}


def test_an_existing_model_is_kept_unless_it_is_to_be_overwritten(pipeline, model):
    with pytest.raises(BadOutput, match="--overwrite"):
        save(pipeline, model)
    save(pipeline, model, overwrite=True)
    load(model)


def test_a_disk_that_fills_up_leaves_nothing(model, tmp_path):
    code = f"""
        import resource, sys
        from padimkit import load, save
        from padimkit.errors import BadOutput
        pipeline = load({str(model)!r})
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            save(pipeline, {str(tmp_path / "other")!r})
        except BadOutput as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert 'other" cannot be written: ' in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE) != (1000, 1000)


@pytest.fixture
def calibration(pipeline, generator):
    images = torch.rand(6, 3, 12, 12, generator=generator)
    pipeline.fit(images)
    return calibrate(pipeline, images)


@pytest.fixture
def calibrated(pipeline, calibration, tmp_path):
    save(pipeline, tmp_path / "calibrated", calibration=calibration)
    return tmp_path / "calibrated"


def test_a_model_is_stored_with_its_calibration(pipeline, calibration, calibrated, generator):
    assert load_calibration(calibrated) == calibration
    assert load_calibration(calibrated).images == load_learnt(calibrated) == calibration.images
    images = torch.rand(2, 3, 12, 12, generator=generator)
    assert torch.equal(load(calibrated).predict(images).anomaly_maps, pipeline.predict(images).anomaly_maps)
    manifest = json.loads((calibrated / "manifest.json").read_text())
    assert manifest["sha256"].keys() == {path.name for path in calibrated.iterdir()} - {"manifest.json"}


def test_a_model_without_calibration_says_how_to_get_one(model):
    with pytest.raises(
        NotCalibrated, match=r"Run: padimkit calibrate .*model --data folder --data.normal FOLDER, with"
    ):
        load_calibration(model)
    assert load_learnt(model) == ()


@pytest.mark.parametrize("name", ["calibration.json", "training.csv"])
def test_an_altered_or_missing_calibration_is_refused(calibrated, name):
    (calibrated / name).write_text((calibrated / name).read_text() + " ")
    for read in (load, load_calibration):
        with pytest.raises(BadModel, match=f'{name}" has been altered or cut off'):
            read(calibrated)
    (calibrated / name).unlink()
    for read in (load, load_calibration):
        with pytest.raises(BadModel, match=f'has no "{name}"'):
            read(calibrated)


def test_a_stored_model_can_be_calibrated_anew(pipeline, model, calibrated, calibration, tmp_path, generator):
    other = calibrate_held_out(pipeline, torch.rand(9, 3, 12, 12, generator=generator))
    state = (calibrated / "state.safetensors").read_bytes()
    save_calibration(other, calibrated, calibrated, overwrite=True)
    assert load_calibration(calibrated) == other
    assert load_learnt(calibrated) == calibration.images  # those learnt stay the same
    assert (calibrated / "state.safetensors").read_bytes() == state
    with pytest.raises(BadOutput, match="exists"):
        save_calibration(other, model, calibrated)
    save_calibration(other, model, tmp_path / "copy")
    assert load_calibration(tmp_path / "copy") == other and load_learnt(tmp_path / "copy") == ()
    load(tmp_path / "copy")


def test_an_unknown_file_in_the_manifest_is_refused(calibrated):
    manifest = json.loads((calibrated / "manifest.json").read_text())
    manifest["sha256"]["../../secret"] = "0" * 64
    (calibrated / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BadModel, match="does not list the files of the model"):
        load_learnt(calibrated)


def test_names_of_images_are_kept_in_any_alphabet(pipeline, calibration, tmp_path):
    image = LearntImage("grün/好.png", "0" * 64, 1.5, True)
    save(pipeline, tmp_path / "model", calibration=dataclasses.replace(calibration, images=(image,)))
    assert load_learnt(tmp_path / "model") == (image,)


class _Wrong(RuntimeError):
    pass


def test_parts_that_do_not_fit_are_found_when_a_model_is_loaded_but_not_when_it_is_merged(model, monkeypatch):
    def fails(*_):
        raise _Wrong("sizes differ")

    monkeypatch.setattr(Pipeline, "predict_batch", fails)
    assert isinstance(load_parts(model), Pipeline)
    with pytest.raises(BadModel, match=f'"{model}": its parts do not fit together .sizes differ'):
        load(model)
    monkeypatch.setattr("padimkit.storage.model._OF_DEVICES", (_Wrong,))
    with pytest.raises(_Wrong):  # what a driver raises says nothing about the model
        load(model)
