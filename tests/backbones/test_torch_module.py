import sys
import textwrap

import pytest
import torch
import torchvision
import yaml
from safetensors.torch import load_file, save_file
from torch import nn

from padimkit import load, save
from padimkit.backbones.torch_module import TorchModule
from padimkit.config.description import describe
from padimkit.contracts import Backbone
from padimkit.densities.gaussian import Gaussian
from padimkit.errors import BadArgument, BadModel, BadShape, BadWeights
from padimkit.images.preprocessing import Preprocessing
from padimkit.pipeline.pipeline import Pipeline
from padimkit.reducers.identity import Identity
from padimkit.testing.pytest import contract_checks
from padimkit.values import Batch

MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
DEVIATION = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
SQUEEZENET = {"class_path": "torchvision.models.squeezenet1_1", "init_args": {"num_classes": 2}}
VIT = {"image_size": 64, "patch_size": 16, "num_layers": 2, "num_heads": 2, "hidden_dim": 12, "mlp_dim": 8}


@pytest.fixture
def images(generator):
    return torch.rand(2, 3, 64, 64, generator=generator)


@pytest.fixture
def squeezenet(generator):
    network = torchvision.models.squeezenet1_1(num_classes=2).eval()
    for parameter in network.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) / parameter[0].numel() ** 0.5
    return network


@pytest.fixture
def file(squeezenet, tmp_path):
    save_file(squeezenet.state_dict(), tmp_path / "squeezenet.safetensors")
    return str(tmp_path / "squeezenet.safetensors")


class Patches(nn.Module):
    """Patches of 8 x 8 pixels as tokens, after one for the class; takes one size only, if told which."""

    def __init__(self, channels=4, only=None):
        super().__init__()
        self.only = only
        self.convolution = nn.Conv2d(3, channels, kernel_size=8, stride=8)
        self.tokens = nn.Identity()
        self.late = nn.Identity()
        self.named = nn.ModuleDict({"never": nn.Identity(), "plain": Dictionary()})

    def forward(self, images):
        map_ = self.convolution(images)
        if self.only is not None and images.shape[2] != self.only:
            raise ValueError(f"images of {self.only} pixels only")
        tokens = map_.flatten(2).transpose(1, 2)
        tokens = self.tokens(
            torch.cat([tokens.new_full((tokens.shape[0], 1, tokens.shape[2]), 9.0), tokens], 1)
        )
        self.late(map_ + 1)
        return self.named["plain"](map_)


class Dictionary(nn.Module):
    def forward(self, map_):
        return {"map": map_}


class Width:
    """An argument that is an object."""

    def __init__(self, number: int):
        self.number = number


class Configured(nn.Module):
    def __init__(self, width: Width):
        super().__init__()
        self.first = nn.Conv2d(3, width.number, kernel_size=4, stride=4)

    def forward(self, images):
        return self.first(images)

    @classmethod
    def of(cls, number):
        return cls(Width(number))


def unannotated(number):
    return Configured(Width(number))


def no_module():
    return 3


PATCHES = {"class_path": f"{__name__}.Patches"}
CONFIGURED = {
    "class_path": f"{__name__}.Configured",
    "init_args": {"width": {"class_path": f"{__name__}.Width", "init_args": {"number": 5}}},
}


def made(module=SQUEEZENET, layers=("features.3",), weights="as_made", **arguments):
    return TorchModule(module, list(layers), weights, **arguments)


def watched(network, layers, images):
    """What the named modules of the whole network give."""
    found = {}
    for name in layers:
        network.get_submodule(name).register_forward_hook(
            lambda module, inputs, output, name=name: found.update({name: output.clone()})
        )
    with torch.no_grad():
        network((images - MEAN) / DEVIATION)
    return found


def assert_same(found, expected):
    assert set(found) == set(expected)
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-4, atol=1e-5 * float(tensor.abs().max()))


@contract_checks(Backbone)
@pytest.mark.parametrize(
    "arguments",
    [
        {"module": PATCHES, "layers": ["tokens"], "layout": "b n c", "extra_tokens": 1},
        {"module": CONFIGURED, "layers": ["first"], "descriptor": "first"},
    ],
    ids=["tokens", "configured"],
)
def test_contract(check, arguments):
    check(lambda: made(**arguments))


def test_layers_of_a_file_are_those_that_torchvision_computes(squeezenet, file, images):
    features = made(layers=["features.6", "features.3"], weights=file, descriptor="features.9").extract(
        images
    )
    assert list(features.maps) == ["features.3", "features.6"]
    assert_same(features.maps, watched(squeezenet, features.maps, images))
    pooled = watched(squeezenet, ["features.9"], images)["features.9"].mean((2, 3))
    torch.testing.assert_close(features.descriptor, pooled)


def test_maps_with_channels_last_are_turned(images):
    swin = {
        "patch_size": [4, 4],
        "embed_dim": 8,
        "depths": [1, 1],
        "num_heads": [1, 1],
        "window_size": [4, 4],
    }
    backbone = made(
        {"class_path": "torchvision.models.SwinTransformer", "init_args": swin},
        ["features.1", "features.3"],
        layout="b h w c",
    )
    network = torchvision.models.SwinTransformer(**swin).eval()
    network.load_state_dict(backbone.state_dict(), strict=False)
    expected = watched(network, ["features.1", "features.3"], images)
    assert expected["features.3"].shape == (2, 8, 8, 16)
    assert_same(
        backbone.extract(images).maps, {name: map_.permute(0, 3, 1, 2) for name, map_ in expected.items()}
    )


def test_tokens_of_a_transformer_become_maps(images):
    layer = "encoder.layers.encoder_layer_1"
    backbone = made(
        {"class_path": "torchvision.models.VisionTransformer", "init_args": VIT},
        [layer],
        layout="b n c",
        extra_tokens=1,
        image_size=64,
    )
    network = torchvision.models.VisionTransformer(**VIT).eval()
    network.load_state_dict(backbone.state_dict(), strict=False)
    tokens = watched(network, [layer], images)[layer]
    map_ = torch.stack([tokens[:, 1 + 4 * row : 5 + 4 * row] for row in range(4)], dim=1)
    assert_same(backbone.extract(images).maps, {layer: map_.permute(0, 3, 1, 2)})


@pytest.mark.parametrize("size", [(64, 64), (32, 80), (72, 16), (39, 63), (8, 8), (8, 200)])
def test_tokens_of_an_image_of_any_shape_are_where_their_patches_are(generator, size):
    images = torch.rand(2, 3, *size, generator=generator)
    tokens = made(PATCHES, ["tokens"], layout="b n c", extra_tokens=1).extract(images)
    maps = made(PATCHES, ["convolution"]).extract(images)
    assert torch.equal(tokens.maps["tokens"], maps.maps["convolution"])


def test_the_default_normalisation_can_be_replaced(generator):
    images = torch.rand(2, 3, 16, 16, generator=generator)
    plain = made(PATCHES, ["convolution"], mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    other = made(PATCHES, ["convolution"])
    assert_same(other.extract(images).maps, plain.extract((images - MEAN) / DEVIATION).maps)


def test_nothing_past_the_last_layer_is_computed_or_held(squeezenet, file, images):
    backbone = made(layers=["features.3", "features.4"], weights=file)
    used = []
    for name, module in backbone._network._module.network.named_modules():
        module.register_forward_hook(lambda *_, name=name: used.append(name))
    backbone.extract(images)
    assert "features.4.expand3x3" in used
    assert not any(name.startswith(("features.5", "features.6", "classifier")) for name in used)
    needed = {name for name, _ in squeezenet.named_parameters() if name.split(".")[1] in ("0", "3", "4")}
    assert set(backbone.state_dict()) == needed
    held = sum(parameter.numel() for parameter in backbone._network._module.parameters())
    assert held == sum(squeezenet.get_parameter(name).numel() for name in needed)


def test_a_module_that_works_in_place_does_not_change_the_map_before(images):
    names = ["features.0", "features.1"]  # a convolution, and a ReLU in place
    maps = made(layers=names).extract(images).maps
    assert float(maps["features.0"].min()) < 0 == float(maps["features.1"].min())


def test_first_weights_are_the_same_every_time_and_leave_the_global_generator_alone(images):
    torch.manual_seed(1)
    first = made().extract(images)
    torch.manual_seed(2)
    before = torch.random.get_rng_state()
    second = made().extract(images)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first.maps["features.3"], second.maps["features.3"])


def test_a_file_holds_what_the_layers_need_or_is_refused(squeezenet, images, tmp_path):
    path = tmp_path / "part.safetensors"
    state = squeezenet.state_dict()
    save_file({name: tensor for name, tensor in state.items() if name < "features.4"}, path)
    assert_same(made(weights=str(path)).extract(images).maps, watched(squeezenet, ["features.3"], images))
    with pytest.raises(
        BadWeights, match=r'part.safetensors" lacks 6 of the 14 .* "features.4.squeeze.weight"'
    ):
        made(weights=str(path), layers=["features.4"]).extract(images)
    with pytest.raises(BadWeights, match=r'nowhere.pth" of "torchvision.models.squeezenet1_1" do not exist'):
        made(weights=str(tmp_path / "nowhere.pth")).extract(images)


def test_missing_weights_are_known_before_they_are_read(squeezenet, images, tmp_path, file):
    missing = made(weights=str(tmp_path / "nowhere.pth"))
    with pytest.raises(BadWeights, match=r'nowhere.pth" of "torchvision.models.squeezenet1_1" do not exist'):
        missing.require_weights()
    made().require_weights()
    made(weights=str(file)).require_weights()
    missing.go_without_weights()
    missing.require_weights()
    assert missing.extract(images).maps["features.3"].shape == made().extract(images).maps["features.3"].shape


def test_the_path_of_weights_may_begin_at_home(squeezenet, images, file, monkeypatch):
    folder, _, name = file.rpartition("/")
    monkeypatch.setenv("HOME", folder)
    backbone = made(weights=f"~/{name}")
    backbone.require_weights()
    assert backbone.extract(images).maps["features.3"].shape[0] == len(images)


def test_arguments_that_are_objects_are_described_and_stay_descriptions(images):
    backbone = made(CONFIGURED, ["first"])
    assert backbone.extract(images).maps["first"].shape == (2, 5, 16, 16)
    assert describe(backbone)["init_args"]["module"] == CONFIGURED


@pytest.mark.parametrize("name", ["Configured.of", "unannotated"])
def test_methods_and_functions_without_annotations_make_modules_too(images, name):
    module = {"class_path": f"{__name__}.{name}", "init_args": {"number": 3}}
    assert made(module, ["first"]).extract(images).maps["first"].shape == (2, 3, 16, 16)


def test_a_function_is_found_beside_a_module_of_its_name():
    assert made({"class_path": "torchvision.models.alexnet"}, ["features.0"])


class TestRefused:
    @pytest.mark.parametrize(
        ("module", "message"),
        [
            ({"class_path": "torchvision.models.resnet_18"}, 'resnet_18" cannot be imported: .*no attribute'),
            ({"class_path": "no_such_package.Net"}, 'no_such_package.Net" cannot be imported'),
            ({"class_path": ""}, "cannot be imported"),
            ({"class_path": "torchvision.models"}, "is a module; expected a class or a function"),
            ({"class_path": f"{__name__}.no_module"}, r"makes a int, expected a torch\.nn\.Module"),
            ({"class_path": f"{__name__}.Configured"}, "arguments {}: .*required: module.width"),
            ({**SQUEEZENET, "init_args": {"classes": 2}}, r"arguments {'classes': 2}: .*'classes'"),
            ({**SQUEEZENET, "init_args": {"num_classes": -2}}, "cannot be made .*negative dimension"),
            ({**SQUEEZENET, "init_args": [1]}, "cannot be made"),
            ({**SQUEEZENET, "arguments": {}}, '"class_path" and "init_args", got'),
            ({}, '"class_path" and "init_args", got {}'),
        ],
    )
    def test_a_module_that_cannot_be_made(self, module, message):
        with pytest.raises(BadArgument, match=message):
            made(module)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (
                {"layers": ["features.33"]},
                r'no layer "features.33" \("layers"\). Did you mean .*"features.3"',
            ),
            ({"layers": []}, r'different layers of "torchvision.models.squeezenet1_1" in "layers", got \[\]'),
            ({"layers": ["features", "features"]}, "different layers"),
            ({"descriptor": "feature"}, r'no layer "feature" \("descriptor"\). Did you mean .*"features"'),
            ({"extra_tokens": 1}, '"extra_tokens" of 0 in the layout "b c h w", got 1'),
            ({"extra_tokens": -1, "layout": "b n c"}, '"extra_tokens" .* got -1'),
            ({"std": (0.2, 0.0, 0.2)}, '"std" above 0'),
            (
                {"layout": "b n c"},
                r'"features.3" gives 1 x 128 x 55 x 55 numbers.* the axes "b n c".*"layout"',
            ),
            ({"image_size": 2}, r'cannot be applied to images of 2 x 2 pixels \("image_size"\): '),
        ],
    )
    def test_an_argument_out_of_its_range(self, arguments, message):
        with pytest.raises(BadArgument, match=message):
            made(**arguments)

    def test_layers_that_give_no_map(self):
        with pytest.raises(BadArgument, match='"named.never" is never computed'):
            made(PATCHES, ["named.never"])
        with pytest.raises(BadArgument, match='"named.plain" gives a dict, which is not a map'):
            made(PATCHES, ["named.plain"])
        with pytest.raises(BadArgument, match='"tokens" gives 1 x 785 x 4 numbers.* the axes "b c h w"'):
            made(PATCHES, ["tokens"])

    @pytest.mark.parametrize("extra_tokens", [0, 2, 785, 900])
    def test_tokens_that_fill_no_map(self, extra_tokens):
        with pytest.raises(BadShape, match='785 tokens for images of 224 x 224 pixels: .*"extra_tokens"'):
            made(PATCHES, ["tokens"], layout="b n c", extra_tokens=extra_tokens)

    def test_images_of_a_size_that_the_module_does_not_take(self, generator):
        module = {**PATCHES, "init_args": {"only": 16}}
        with pytest.raises(BadArgument, match=r'224 x 224 pixels \("image_size"\): images of 16 pixels only'):
            made(module, ["convolution", "late"])
        backbone = made(module, ["convolution", "late"], image_size=16)
        with pytest.raises(BadShape, match="not take images of 24 x 24 pixels: images of 16 pixels only"):
            backbone.extract(torch.rand(1, 3, 24, 24, generator=generator))
        with pytest.raises(BadShape, match="does not take images of 4 x 4 pixels: .*[Kk]ernel size"):
            backbone.extract(torch.rand(1, 3, 4, 4, generator=generator))
        images = torch.rand(1, 3, 16, 16, generator=generator)
        maps = backbone.extract(images).maps
        assert torch.equal(maps["convolution"] + 1, maps["late"])  # none is left of the images refused


@pytest.fixture
def model(images, tmp_path):
    pipeline = Pipeline(
        made(weights="as_made"), Identity(), Gaussian(), preprocessing=Preprocessing(resize=64, crop=64)
    )
    pipeline.fit([Batch(images, ("a", "b"))])
    save(pipeline, tmp_path / "model")
    return pipeline, tmp_path / "model"


def test_a_stored_model_is_loaded_if_it_is_trusted_and_predicts_the_same(model, images):
    pipeline, folder = model
    with pytest.raises(BadModel, match='"torchvision.models.squeezenet1_1", which may stand for .*--trust'):
        load(folder)
    found, expected = load(folder, trust=True).predict(images), pipeline.predict(images)
    assert torch.equal(found.anomaly_maps, expected.anomaly_maps)
    stored = [name for name in load_file(folder / "state.safetensors") if name.startswith("backbone/")]
    assert len(stored) == 8


@pytest.mark.parametrize("place", ["module", "argument", "text"])
def test_a_stored_model_that_is_not_trusted_imports_nothing(model, tmp_path, monkeypatch, place):
    import hashlib
    import json

    _, folder = model
    monkeypatch.syspath_prepend(str(tmp_path))
    source = f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()\nclass Evil: pass"
    (tmp_path / "evil_torch_module.py").write_text(textwrap.dedent(source))
    evil = {"class_path": "evil_torch_module.Evil"}
    settings = yaml.safe_load((folder / "config.yaml").read_text())
    settings["pipeline"]["backbone"]["init_args"]["module"] = {
        "module": evil,
        "argument": {**SQUEEZENET, "init_args": {"num_classes": evil}},
        "text": json.dumps(evil),
    }[place]
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"]["config.yaml"] = hashlib.sha256((folder / "config.yaml").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BadModel, match="--trust"):
        load(folder)
    assert not (tmp_path / "ran").exists()
    assert "evil_torch_module" not in sys.modules
