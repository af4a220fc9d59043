"""Images of any shape go through every part, from files to maps, and mixed ones are refused."""

import json

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from padimkit import (
    PCA,
    PRO,
    FilterBank,
    Gaussian,
    Identity,
    Joint,
    MVTec,
    Pipeline,
    Pixels,
    Preprocessing,
    RandomChannels,
    Scale,
    Separate,
    ShortSide,
    Spade,
    Timm,
    TorchModule,
    evaluate,
    load,
    save,
)
from padimkit.benchmark.planning.forecast import Forecasts
from padimkit.benchmark.planning.suite import Suite
from padimkit.cli.main import main
from padimkit.errors import BadShape
from padimkit.images.augmentation import Augmentation

SIZE = (37, 53)  # odd, and not square
WHOLE = Preprocessing(resize=SIZE, crop=None)


def timm():
    return Timm("test_resnet.r160_in1k", ["layer1", "layer3"], weights="none", descriptor="layer4")


def torch_module():
    module = {"class_path": "torchvision.models.squeezenet1_1", "init_args": {"num_classes": 2}}
    return TorchModule(module, layers=["features.3"], weights="as_made")


METHODS = {
    "filter bank": (FilterBank, Identity, Gaussian, Joint),
    "pixels, PCA, shared": (Pixels, lambda: PCA(keep=2), lambda: Gaussian(scope="shared"), Joint),
    "SPADE": (FilterBank, Identity, lambda: Spade(2, 3, 1), lambda: Joint(alignment="bilinear")),
    "timm, separate": (timm, Identity, lambda: Gaussian(covariance="ledoit_wolf"), Separate),
    "timm, channels": (timm, lambda: RandomChannels(keep=9), Gaussian, lambda: Joint("local")),
    "module of torch": (torch_module, Identity, Gaussian, Joint),
    "SPADE, layer by layer": (timm, Identity, lambda: Spade(2, 3, 1), Joint),
}


@pytest.mark.parametrize("method", METHODS)
def test_rectangles_go_through_the_parts_and_a_stored_model(stripes, tmp_path, method):
    backbone, reducer, density, levels = (make() for make in METHODS[method])
    pipeline = Pipeline(backbone, reducer, density, levels, preprocessing=WHOLE)
    source = MVTec(stripes, "stripes")
    pipeline.fit(source.train())
    found = evaluate(pipeline, source.test())
    assert found.metrics.keys() == {"image_auroc", "pixel_auroc", "pro"} and not found.undefined
    prediction = pipeline.predict(source.test())
    assert prediction.anomaly_maps.shape == (8, *SIZE)
    save(pipeline, tmp_path / "model")
    loaded = load(tmp_path / "model", trust=True)  # a module of torch is code
    assert loaded.preprocessing == WHOLE
    assert torch.equal(loaded.predict(source.test()).anomaly_maps, prediction.anomaly_maps)


def test_a_defect_is_found_where_it_is_in_a_rectangle(random, tmp_path):
    for number in range(8):
        pixels = random.normal(120, 8, (60, 180)).clip(0, 255).astype(np.uint8)
        if number == 7:
            pixels[10:18, 140:148] = 250
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    preprocessing = Preprocessing(resize=Scale(0.75), crop=None)
    pipeline = Pipeline(FilterBank(scales=2), Identity(), Gaussian(), preprocessing=preprocessing)
    pipeline.fit([tmp_path / f"{number}.png" for number in range(7)])
    (one,) = pipeline.predict(tmp_path / "7.png")
    row, column = np.unravel_index(int(one.anomaly_map.argmax()), one.anomaly_map.shape)
    point = preprocessing.to_original(np.array([column + 0.5, row + 0.5]), (60, 180))
    np.testing.assert_allclose(point, [144, 14], atol=5)


def test_files_and_the_command_line_take_every_form(stripes, tmp_path):
    settings = {"backbone": "filter_bank", "reducer": "identity", "density": "gaussian"}
    forms = [{"resize": [40, 52], "crop": None}, {"resize": {"short_side": 36}, "crop": [34, 36]}]
    forms += [{"resize": {"scale": 0.75}, "crop": None, "pad": [41, 37]}, {"resize": None, "crop": None}]
    sizes = [(40, 52), (34, 36), (41, 37), (48, 48)]
    for number, (form, size) in enumerate(zip(forms, sizes, strict=True)):
        file, output = tmp_path / f"{number}.yaml", tmp_path / f"{number}"
        data = {"class_path": "mvtec", "init_args": {"root": str(stripes), "category": "stripes"}}
        file.write_text(yaml.safe_dump({"pipeline": settings | {"preprocessing": form}, "data": data}))
        assert main(["fit", str(file), f"--output={output}"]) == 0
        assert main(["predict", str(output), str(stripes / "stripes/test/spot"), f"--output={output}-p"]) == 0
        with Image.open(tmp_path / f"{number}-p" / "maps" / "000.png") as picture:
            assert picture.size == size[::-1]
        stored = yaml.safe_load((output / "config.yaml").read_text())["pipeline"]["preprocessing"]
        assert stored.items() >= form.items()
    words = ["--pipeline.preprocessing.resize.long_side=40", "--pipeline.preprocessing.crop=null"]
    result = tmp_path / "result.json"
    assert main(["evaluate", str(tmp_path / "0.yaml"), *words, f"--output={result}"]) == 0
    preprocessing = json.loads(result.read_text())["config"]["pipeline"]["preprocessing"]
    assert preprocessing.items() >= {"resize": {"long_side": 40}, "crop": None}.items()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--pipeline.preprocessing.resize.short_sid=3"], "Did you mean 'short_side'?"),
        (["--pipeline.preprocessing.resize=2.5"], "is one of: int, [int, int], {short_side}, {long_side}"),
        (["--pipeline.preprocessing.resize.scale=0"], '"resize.scale" above 0, got 0.0.'),
        (["--pipeline.preprocessing.crop=[3,4,5]"], '"pipeline.preprocessing.crop" is [3, 4, 5]; '),
    ],
)
def test_a_wrong_form_is_one_line_that_names_the_key(capsys, words, message):
    assert main(["fit", "padim-filter-bank", "--data=synthetic", "--output=none", *words]) == 2
    error = capsys.readouterr().err
    assert message in error and len(error.splitlines()) == 1


def test_an_unknown_key_in_a_file_is_named_with_near_misses(capsys, tmp_path):
    preprocessing = {"resize": {"short_sid": 3}}
    (tmp_path / "a.yaml").write_text(yaml.safe_dump({"pipeline": {"preprocessing": preprocessing}}))
    assert main(["fit", str(tmp_path / "a.yaml"), "--output=none"]) == 2
    assert "resize.short_sid\". Did you mean 'short_side'?" in capsys.readouterr().err


@pytest.fixture
def mixed(tmp_path, random):
    for name, size in (("a", (40, 60)), ("b", (40, 60)), ("c", (60, 40))):
        Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8)).save(tmp_path / f"{name}.png")
    return tmp_path


@pytest.mark.parametrize("batch_size", [1, 8])
def test_images_of_different_sizes_are_refused_by_name(mixed, batch_size):
    pipeline = Pipeline(Pixels(), Identity(), Gaussian(), preprocessing=Preprocessing(ShortSide(20), None))
    with pytest.raises(BadShape, match='set "resize" to \\[height, width\\]') as caught:
        pipeline.fit(mixed, batch_size=batch_size)
    assert all(found in str(caught.value) for found in ("20 x 30", "30 x 20", 'c.png"'))
    pipeline.fit([mixed / "a.png", mixed / "b.png"])
    with pytest.raises(BadShape, match=r"20 x 30 pixels, got 30 x 20 .*c\.png"):
        pipeline.predict(mixed / "c.png")


def test_an_image_smaller_than_the_crop_is_refused_by_name(mixed):
    pipeline = Pipeline(Pixels(), Identity(), Gaussian(), preprocessing=Preprocessing(None, (50, 50)))
    with pytest.raises(BadShape, match=r'a\.png": An image of 40 x 60 pixels .* smaller than "crop"'):
        pipeline.fit(mixed)


def test_variants_of_training_images_have_the_size_of_test_images(stripes):
    augmentation = Augmentation(("RandomRotation(degrees=30, expand=True)",))
    pipeline = Pipeline(Pixels(), Identity(), Gaussian(), preprocessing=WHOLE, augmentation=augmentation)
    pipeline.fit(MVTec(stripes, "stripes").train())
    assert evaluate(pipeline, MVTec(stripes, "stripes").test(), PRO()).metrics


def test_memory_is_forecast_for_sizes_that_depend_on_the_images(stripes, tmp_path):
    data = {"class_path": "mvtec", "init_args": {"root": str(stripes)}, "categories": ["stripes"]}
    sizes = {"preprocessing.resize": {"scale": 0.75}, "preprocessing.crop": None}
    fixed = {"preprocessing.resize": 36, "preprocessing.crop": None}
    pipelines = [
        {"recipe": "padim-filter-bank", "name": name, "set": set}
        for name, set in (("scaled", sizes), ("fixed", fixed))
    ]
    file = tmp_path / "suite.yaml"
    file.write_text(yaml.safe_dump({"name": "s", "pipelines": pipelines, "datasets": [data]}))
    scaled, fixed = (Forecasts().of(planned).bytes for planned in Suite.read(file).planned)
    assert scaled == fixed and scaled > 0
