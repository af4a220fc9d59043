from concurrent.futures import ThreadPoolExecutor
from functools import partial
from unittest.mock import Mock

import timm
import torch
import torchvision
from huggingface_hub.errors import HfHubHTTPError
from jsonargparse import ArgumentParser
from pytest import fixture, mark, raises
from safetensors.torch import load_file, save_file
from torch import nn

from padimkit.backbones import _weights
from padimkit.backbones._construction import undrawn
from padimkit.backbones._timm_models import create_model
from padimkit.backbones._weights import require_name
from padimkit.backbones.timm import Timm
from padimkit.config.description import describe
from padimkit.errors import BadArgument, BadShape, BadWeights
from padimkit.values import Features
from padimkit.weights import find_weights

MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
DEVIATION = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
STEM_TO_LAYER2 = ("conv1.", "bn1.", "layer1.", "layer2.")
NINE_LEVELS = ["bn1", *(f"blocks.{stage}" for stage in range(7)), "bn2"]


@fixture
def generator():
    """The same in each run: networks are compared, whose own numbers are the same too."""
    return torch.Generator().manual_seed(0)


@fixture
def images(generator):
    return torch.rand(2, 3, 64, 64, generator=generator)


@fixture(scope="module")
def resnet():
    """Torchvision's ResNet18, every number of which is random."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = torchvision.models.resnet18().eval()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                    tensor.data = 0.5 + torch.rand(tensor.shape)
    return network


@fixture(scope="module")
def file(resnet, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "resnet18.safetensors"
    save_file(resnet.state_dict(), path)
    return path


def small(**options) -> Timm:
    arguments = {"model": "test_resnet", "layers": ["layer1"], "weights": "none"}
    return Timm(**(arguments | options))


def watched(network, layers, images, mean=MEAN, deviation=DEVIATION):
    """What the named modules of the whole network give."""
    found = {}
    for name in layers:
        network.get_submodule(name).register_forward_hook(
            lambda module, inputs, output, name=name: found.update({name: output.clone()})
        )
    with torch.no_grad():
        network((images - mean) / deviation)
    return found


def modules_used(backbone, images):
    """The modules that hold tensors and are called for one extraction."""
    names = {module: name for name, module in backbone._network._module.named_modules()}
    used = []
    with nn.modules.module.register_module_forward_pre_hook(
        lambda module, inputs: used.append(names.get(module, ""))
    ):
        backbone.extract(images)
    return [name.removeprefix("network.") for name in used]


def held(backbone):
    return sum(parameter.numel() for parameter in backbone._network._module.parameters())


def assert_same(found, expected):
    assert set(found) == set(expected)
    for name, tensor in expected.items():
        # Convolutions add up in another order where channels lie side by side.
        size = float(tensor.abs().max())
        torch.testing.assert_close(
            found[name], tensor, rtol=1e-4, atol=1e-5 * size, msg=lambda text, name=name: f"{name}: {text}"
        )


def test_layers_of_a_file_are_those_that_torchvision_computes(resnet, file, images):
    features = Timm("resnet18", ["layer1", "layer2", "layer3"], weights=str(file)).extract(images)
    assert list(features.maps) == ["layer1", "layer2", "layer3"]
    assert_same(features.maps, watched(resnet, features.maps, images))
    assert features.descriptor is None


def test_modules_inside_a_stage_are_those_that_torchvision_computes(resnet, file, images):
    layers = ["layer1.0", "layer1.1.bn2", "layer2.0.conv1"]  # after bn2 the sum is taken in place
    features = Timm("resnet18", layers, weights=str(file)).extract(images)
    assert_same(features.maps, watched(resnet, layers, images))


def test_a_path_may_begin_at_home(file, images, monkeypatch):
    monkeypatch.setenv("HOME", str(file.parent))
    given, at_home = (Timm("resnet18", ["layer1"], weights=path) for path in (file, f"~/{file.name}"))
    at_home.require_weights()
    assert torch.equal(at_home.extract(images).maps["layer1"], given.extract(images).maps["layer1"])


def test_a_path_is_taken_as_it_is(resnet, file, images):
    backbone = Timm("resnet18", ["layer1"], weights=file)
    backbone.require_weights()
    assert_same(backbone.extract(images).maps, watched(resnet, ["layer1"], images))
    assert describe(backbone)["init_args"]["weights"] == str(file)


@mark.parametrize("weights", [None, 3])
def test_weights_that_name_nothing_are_refused_with_the_ways(weights):
    message = '"weights" is .*: "installed" takes .*, "hub" downloads them, the path .*, "none" draws'
    with raises(BadArgument, match=message):
        require_name(weights)


@mark.parametrize("weights", ["Installed", "HUB", "None"])
def test_a_way_in_capitals_is_a_near_miss(weights, images):
    with raises(BadWeights, match=f"Did you mean '{weights.lower()}'"):
        small(weights=weights).extract(images)


@mark.parametrize("content", ["plain", "checkpoint", "half"])
def test_a_pth_file_gives_the_same_as_a_safetensors_file(resnet, file, images, tmp_path, content):
    path = tmp_path / "resnet18.pth"
    state = resnet.state_dict()
    if content == "half":
        state = {name: tensor.to(torch.bfloat16) for name, tensor in state.items()}
    torch.save({"epoch": 3, "state_dict": state} if content == "checkpoint" else state, path)
    from_pth = Timm("resnet18", ["layer1"], weights=str(path)).extract(images)
    from_safetensors = Timm("resnet18", ["layer1"], weights=str(file)).extract(images)
    tolerance = 0.1 if content == "half" else 0
    torch.testing.assert_close(
        from_pth.maps["layer1"], from_safetensors.maps["layer1"], rtol=tolerance, atol=tolerance
    )


def test_a_file_needs_to_hold_no_more_than_the_layers_need(resnet, file, images, tmp_path):
    path = tmp_path / "part.safetensors"
    needed = {
        name: tensor
        for name, tensor in resnet.state_dict().items()
        if name.startswith(STEM_TO_LAYER2) and "num_batches_tracked" not in name
    }
    save_file(needed, path)
    features = Timm("resnet18", ["layer1", "layer2"], weights=str(path)).extract(images)
    assert_same(features.maps, watched(resnet, ["layer1", "layer2"], images))
    with raises(BadWeights, match=r'part.safetensors" lacks 25 of the 75 .* "layer3.0.conv1.weight"'):
        Timm("resnet18", ["layer3"], weights=str(path)).extract(images)


def test_real_weights_give_what_torchvision_gives(shared, images):
    path = shared / "weights" / "resnet18_stem_to_layer3.safetensors"
    network = torchvision.models.resnet18().eval()
    network.load_state_dict(load_file(path), strict=False)
    features = Timm("resnet18", ["layer1", "layer2", "layer3"], weights=str(path)).extract(images)
    assert [tensor.shape[1] for tensor in features.maps.values()] == [64, 128, 256]
    assert_same(features.maps, watched(network, features.maps, images))


def test_installed_weights_give_what_the_whole_network_of_timm_gives(images):
    weights, layers = find_weights("tf_efficientnet_lite0"), ["blocks.1", "blocks.2", "blocks.4"]
    network = timm.create_model("tf_efficientnet_lite0").eval()
    network.load_state_dict(weights.renamed(torch.load(weights.path(), weights_only=True)))
    features = Timm("tf_efficientnet_lite0", layers, weights="installed", descriptor="bn2").extract(images)
    assert [tensor.shape[1] for tensor in features.maps.values()] == [24, 40, 112]
    half = torch.full((3, 1, 1), 0.5)
    whole = watched(network, [*layers, "bn2"], images, half, half)
    assert_same(features.maps, {layer: whole[layer] for layer in layers})
    torch.testing.assert_close(features.descriptor, whole["bn2"].mean((2, 3)), rtol=1e-4, atol=1e-5)


def test_bfloat16_changes_features_by_few_percent_and_is_restored_bit_for_bit(resnet, file, images):
    layers = ["layer1", "layer2", "layer3"]
    exact = Timm("resnet18", layers, weights=str(file)).extract(images)
    half = Timm("resnet18", layers, weights=str(file), precision="bfloat16")
    found = half.extract(images)
    for name, expected in exact.maps.items():
        assert found.maps[name].dtype == torch.float32
        assert 0 < (found.maps[name] - expected).abs().max() < 0.05 * expected.abs().max()
    restored = Timm("resnet18", layers, weights="missing.pth", precision="bfloat16")
    restored.load_state_dict(half.state_dict())
    for name, map_ in restored.extract(images).maps.items():
        assert torch.equal(map_, found.maps[name])


def test_maps_come_with_their_channels_side_by_side(file, images):
    maps = Timm("resnet18", ["layer1", "layer2"], weights=str(file)).extract(images).maps
    assert all(map_.is_contiguous(memory_format=torch.channels_last) for map_ in maps.values())


def test_nothing_past_the_last_layer_is_computed_or_held(resnet, file, images):
    for layers in (["layer1", "layer2"], ["layer1.0", "layer2"]):  # timm's extractor, and ours
        backbone = Timm("resnet18", layers, weights=str(file))
        used = modules_used(backbone, images)
        assert any(name.startswith("layer2") for name in used)
        assert not any(name.startswith(("layer3", "layer4", "fc")) for name in used)
        expected = [
            tensor.numel() for name, tensor in resnet.named_parameters() if name.startswith(STEM_TO_LAYER2)
        ]
        assert held(backbone) == sum(expected)


def test_efficientnet_is_left_after_its_last_layer(images):
    backbone = Timm("test_efficientnet", ["blocks.0", "blocks.1"], weights="none")
    assert not any(name.startswith(("blocks.2", "conv_head")) for name in modules_used(backbone, images))
    whole = timm.create_model("test_efficientnet")
    needed = [whole.conv_stem, whole.bn1, whole.blocks[0], whole.blocks[1]]
    assert held(backbone) == sum(tensor.numel() for module in needed for tensor in module.parameters())


def test_nine_levels_of_efficientnet_b4_are_those_of_mahalanobis_ad(images):
    backbone = Timm("tf_efficientnet_b4.aa_in1k", NINE_LEVELS, weights="none")
    features = backbone.extract(images)
    channels = [features.maps[name].shape[1] for name in NINE_LEVELS]
    assert channels == [48, 24, 32, 56, 112, 160, 272, 448, 1792]
    whole = timm.create_model("tf_efficientnet_b4").eval()
    whole.load_state_dict(backbone.state_dict(), strict=False)
    assert_same(features.maps, watched(whole, NINE_LEVELS, images))


def test_levels_of_efficientnet_b5_are_those_of_padim(images):
    features = Timm(
        "tf_efficientnet_b5.aa_in1k", ["blocks.1", "blocks.3", "blocks.4"], weights="none"
    ).extract(images)
    assert [tuple(tensor.shape[1:]) for tensor in features.maps.values()] == [
        (40, 16, 16),
        (128, 4, 4),
        (176, 4, 4),
    ]


@mark.parametrize(
    ("model", "size"),
    [
        ("test_mambaout", 160),
        ("test_vit", 160),
        ("test_convnext", 64),
        ("test_nfnet", 64),
    ],
)
def test_any_features_of_timm_come_as_maps(model, size, generator):
    images = torch.rand(1, 3, size, size, generator=generator)
    backbone = Timm(model, [0, 1], weights="none")
    theirs = timm.create_model(model, features_only=True, out_indices=(0, 1)).eval()
    theirs.load_state_dict(own_names(backbone))
    config = theirs.pretrained_cfg
    mean, deviation = (torch.tensor(config[name])[:, None, None] for name in ("mean", "std"))
    with torch.no_grad():
        expected = theirs((images - mean) / deviation)
    if "NHWC" in str(theirs.output_fmt):
        expected = [tensor.movedim(3, 1) for tensor in expected]
    for found, wanted in zip(backbone.extract(images).maps.values(), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5 * float(wanted.abs().max()))


def own_names(backbone):
    """All tensors under the names that timm's extractor has for them."""
    return backbone._network._module.network.state_dict()


def test_layers_by_index_are_called_by_their_module():
    features = small(layers=[1, 2]).extract(torch.zeros(1, 3, 64, 64))
    assert list(features.maps) == ["layer1", "layer2"]


def test_the_finest_layer_comes_first(images):
    features = small(layers=["layer3", "layer1", "layer2"]).extract(images)
    assert list(features.maps) == ["layer1", "layer2", "layer3"]


@mark.parametrize("descriptor", ["layer1", "layer2", "layer3", "act1"])
def test_the_descriptor_is_the_mean_of_the_map_of_its_layer(images, descriptor):
    features = small(layers=["layer1", "layer2"], descriptor=descriptor).extract(images)
    map_ = small(layers=[descriptor]).extract(images).maps[descriptor]
    assert list(features.maps) == ["layer1", "layer2"]
    torch.testing.assert_close(features.descriptor, map_.flatten(2).mean(2))


def test_random_weights_are_the_same_every_time_and_leave_the_global_generator_alone(images):
    torch.manual_seed(1)
    first = small().extract(images)
    state = torch.random.get_rng_state()
    torch.manual_seed(2)
    before = torch.random.get_rng_state()
    second = small().extract(images)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not torch.equal(state, before)
    assert torch.equal(first.maps["layer1"], second.maps["layer1"])


def test_a_stored_state_needs_no_weight_file(file, images, tmp_path):
    fitted = Timm("resnet18", ["layer1"], weights=str(file))
    state = fitted.state_dict()
    assert all(tensor.is_contiguous() for tensor in state.values())
    restored = Timm("resnet18", ["layer1"], weights=str(tmp_path / "nowhere.pth"))
    restored.load_state_dict(state)
    assert_same(restored.extract(images).maps, fitted.extract(images).maps)


def test_a_stored_state_is_a_weight_file(file, images, tmp_path):
    fitted = Timm("resnet18", ["layer1"], weights=str(file))
    save_file(fitted.state_dict(), tmp_path / "state.safetensors")
    again = Timm("resnet18", ["layer1"], weights=str(tmp_path / "state.safetensors"))
    assert_same(again.extract(images).maps, fitted.extract(images).maps)


def test_a_state_of_another_layer_is_refused(images):
    with raises(BadWeights, match="The stored state lacks"):
        small(layers=["layer2"]).load_state_dict(small(layers=["layer1"]).state_dict())


@fixture
def hub(monkeypatch, tmp_path):
    """A hub that answers each question by an error, if one is given, and what it was asked."""
    asked = []

    def hub(error=None):
        def answer(address, timeout):
            asked.append((address, timeout))
            if error is not None:
                raise error

        monkeypatch.setattr(_weights, "get_hf_file_metadata", answer)
        monkeypatch.setattr(_weights, "HF_HUB_CACHE", str(tmp_path))
        return asked

    return hub


@mark.parametrize("error", [None, HfHubHTTPError("no such file", response=Mock())])
def test_hub_weights_are_those_that_timm_downloads(monkeypatch, images, resnet, hub, error):
    asked = hub(error)
    create = timm.create_model

    def downloading(model, pretrained=False, **options):
        return resnet if pretrained else create(model, **options)

    monkeypatch.setattr(timm, "create_model", downloading)
    features = Timm("resnet18.tv_in1k", ["layer1"]).extract(images)
    assert_same(features.maps, watched(resnet, ["layer1"], images))
    assert asked == [("https://huggingface.co/timm/resnet18.tv_in1k/resolve/main/model.safetensors", 10)]


def test_a_hub_that_does_not_answer_is_asked_once(monkeypatch, images, hub):
    """timm, or the library that it asks, would try again for a minute."""
    create = timm.create_model

    def downloading(model, pretrained=False, **options):
        assert not pretrained
        return create(model, **options)

    monkeypatch.setattr(timm, "create_model", downloading)
    asked = hub(OSError("Name or service not known"))
    with raises(BadWeights, match="cannot be downloaded .Name or service not known.. On a machine with"):
        Timm("resnet18.tv_in1k", ["layer1"]).extract(images)
    assert len(asked) == 1


def test_what_was_downloaded_before_is_taken_without_asking(monkeypatch, images, resnet, hub, tmp_path):
    create = timm.create_model
    monkeypatch.setattr(
        timm,
        "create_model",
        lambda model, pretrained=False, **options: resnet if pretrained else create(model, **options),
    )
    asked = hub(OSError("offline"))
    kept = tmp_path / "models--timm--resnet18.tv_in1k" / "snapshots" / "0123"
    kept.mkdir(parents=True)
    (kept / "model.safetensors").touch()
    features = Timm("resnet18.tv_in1k", ["layer1"]).extract(images)
    assert_same(features.maps, watched(resnet, ["layer1"], images))
    assert asked == []


def test_a_failed_download_says_which_file_to_fetch_and_where_to_put_it(monkeypatch, images, hub):
    hub()
    create = timm.create_model

    def offline(model, pretrained=False, **options):
        if pretrained:
            raise OSError("no route to host")
        return create(model, **options)

    monkeypatch.setattr(timm, "create_model", offline)
    backbone = Timm("resnet18.tv_in1k", ["layer1"])
    with raises(BadWeights, match="no route to host") as refusal:
        backbone.extract(images)
    assert "https://huggingface.co/timm/resnet18.tv_in1k/resolve/main/model.safetensors" in str(refusal.value)
    assert "--pipeline.backbone.weights PATH" in str(refusal.value)
    with raises(BadWeights):  # and still no random weights
        backbone.state_dict()


def test_a_model_without_published_weights_says_so(images):
    with raises(BadWeights, match="timm publishes none"):
        Timm("cs3darknet_s", ["stem"]).extract(images)


def test_a_missing_file_is_named(images, tmp_path):
    with raises(BadWeights, match=r'nowhere.pth" of "test_resnet" do not exist. .*backbone.weights'):
        small(weights=str(tmp_path / "nowhere.pth")).extract(images)


@mark.parametrize("name", ["broken.safetensors", "broken.pth"])
def test_a_broken_file_is_named(images, tmp_path, file, name):
    (tmp_path / name).write_bytes(file.read_bytes()[:5000])
    with raises(BadWeights, match=f'{name}" cannot be read'):
        small(weights=str(tmp_path / name)).extract(images)


class Trap:
    def __reduce__(self):
        return (exec, ("raise SystemExit",))


def test_a_file_that_holds_code_is_refused_unrun(images, tmp_path):
    torch.save({"state_dict": Trap()}, tmp_path / "trap.pth")
    with raises(BadWeights, match=r'trap.pth" cannot be read'):
        small(weights=str(tmp_path / "trap.pth")).extract(images)


@mark.parametrize("content", [torch.zeros(3), {"state_dict": [1]}, 3])
def test_a_file_without_named_tensors_is_refused(images, tmp_path, content):
    torch.save(content, tmp_path / "other.pth")
    with raises(BadWeights, match="other.pth"):
        small(weights=str(tmp_path / "other.pth")).extract(images)


def test_weights_of_another_model_are_refused(images, file):
    with raises(BadWeights, match="lacks|of shape"):
        Timm("resnet34", ["layer1"], weights=str(file)).extract(images)


def test_weights_of_another_shape_are_refused(file, images, tmp_path):
    state = load_file(file)
    state["conv1.weight"] = state["conv1.weight"][:, :, :3, :3].contiguous()
    save_file(state, tmp_path / "other.safetensors")
    with raises(BadWeights, match=r'"conv1.weight" of shape \(64, 3, 3, 3\), expected \(64, 3, 7, 7\)'):
        Timm("resnet18", ["layer1"], weights=str(tmp_path / "other.safetensors")).extract(images)


def test_an_unknown_model_is_refused_with_near_misses():
    for model in ("resnet_18", "resnet18.nothing_in1k"):
        with raises(BadArgument, match=rf'no model "{model}"\. Did you mean .*"resnet18'):
            Timm(model, ["layer1"])


@mark.parametrize("layer", ["layer11", "layer1.7", 9, -1, ""])
def test_an_unknown_layer_is_refused_with_those_that_exist(layer):
    with raises(BadArgument, match=r'no layer .*\("layers"\)') as refusal:
        small(layers=[layer])
    assert '0 "act1", 1 "layer1", 2 "layer2"' in str(refusal.value)


def test_an_unknown_descriptor_is_refused_by_the_name_of_the_option():
    with raises(BadArgument, match=r'no layer "layer5" \("descriptor"\). Did you mean .*"layer4"'):
        small(descriptor="layer5")


@mark.parametrize("layers", [[], ["layer1", "layer1"], ["layer1", 1]])
def test_no_layers_and_twice_the_same_are_refused(layers):
    with raises(BadArgument, match='different layers of "test_resnet"'):
        small(layers=layers)


@mark.parametrize(
    ("layer", "why"), [("classifier", "1 x 1000 numbers"), ("blocks.0.0.drop_path", "never computed")]
)
def test_a_module_without_a_map_is_refused(layer, why):
    with raises(BadArgument, match=f'layer "{layer}" .*{why}'):
        small(model="test_efficientnet", layers=[layer])


def test_a_size_that_the_model_refuses_is_named():
    backbone = Timm("test_vit3", [0], weights="none")
    with raises(BadShape, match='"test_vit3" does not take images of 64 x 64 pixels'):
        backbone.extract(torch.zeros(1, 3, 64, 64))


@mark.parametrize(("text", "layers"), [("[layer1, layer2]", ["layer1", "layer2"]), ("[1, 2]", [1, 2])])
def test_layers_can_be_written_in_a_file_and_on_the_command_line(text, layers):
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(Timm, "backbone")
    arguments = ["--backbone.model=test_resnet", f"--backbone.layers={text}", "--backbone.weights=none"]
    backbone = parser.instantiate(parser.parse_args(arguments)).backbone
    assert backbone.layers == layers
    assert isinstance(backbone.extract(torch.zeros(1, 3, 32, 32)), Features)


def test_missing_weights_are_known_before_they_are_read(tmp_path, file):
    with raises(BadWeights, match=r'nowhere.pth" of "test_resnet" do not exist'):
        small(weights=str(tmp_path / "nowhere.pth")).require_weights()
    with raises(BadWeights, match=r'resnet18.safetensors" lacks 11 of the 25 tensors that the layers need'):
        small(weights=str(file)).require_weights()
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no header")
    with raises(BadWeights, match=r'broken.safetensors" cannot be read as the weights of "test_resnet"'):
        small(weights=str(broken)).require_weights()
    Timm("resnet18.tv_in1k", ["layer1"], weights=str(file)).require_weights()
    saved = {f"module.{name}": tensor for name, tensor in timm.create_model("resnet18").state_dict().items()}
    save_file(saved, tmp_path / "parallel.safetensors")  # as torch.nn.DataParallel names them
    parallel = Timm("resnet18.tv_in1k", ["layer1"], weights=str(tmp_path / "parallel.safetensors"))
    parallel.require_weights()
    parallel.extract(torch.zeros(1, 3, 32, 32))
    small().require_weights()


def test_published_weights_are_required_without_being_downloaded(monkeypatch):
    create = timm.create_model

    def offline(model, pretrained=False, **options):
        assert not pretrained
        return create(model, **options)

    monkeypatch.setattr(timm, "create_model", offline)
    Timm("resnet18.tv_in1k", ["layer1"]).require_weights()
    with raises(BadWeights, match=r'weights of "cs3darknet_s" cannot be downloaded. timm publishes none'):
        Timm("cs3darknet_s", ["stem"]).require_weights()


def test_once_weights_are_loaded_no_others_are_required(tmp_path):
    backbone = small(weights=str(tmp_path / "nowhere.pth"))
    backbone.load_state_dict(small().state_dict())
    backbone.require_weights()


def test_without_weights_maps_are_those_of_the_initial_ones(tmp_path, images):
    backbone = small(weights=str(tmp_path / "nowhere.pth"))
    backbone.go_without_weights()
    assert torch.equal(backbone.extract(images).maps["layer1"], small().extract(images).maps["layer1"])


def test_going_without_weights_changes_none_that_were_read(tmp_path, images):
    weights = {
        name: tensor + 1 for name, tensor in small().state_dict().items() if tensor.is_floating_point()
    }
    save_file(small().state_dict() | weights, tmp_path / "weights.safetensors")
    backbone = small(weights=str(tmp_path / "weights.safetensors"))
    before = backbone.extract(images).maps["layer1"]
    backbone.go_without_weights()
    assert torch.equal(backbone.extract(images).maps["layer1"], before)


def test_a_network_whose_first_tensors_are_infinite_goes_without_weights(tmp_path, monkeypatch):
    """Some of timm have limits without a value, such as those of the inputs of gemma4_vit."""
    made = Timm._made

    def unlimited(self):
        network = made(self)
        next(iter(network.tensors().values())).fill_(float("inf"))
        return network

    backbone = small(weights=str(tmp_path / "nowhere.pth"))
    monkeypatch.setattr(Timm, "_made", unlimited)
    backbone.go_without_weights()


def test_networks_made_at_once_have_the_weights_of_their_seed():
    models = ["test_resnet", "test_efficientnet"] * 8

    def state(model):
        return create_model(model).state_dict()

    known = {model: state(model) for model in set(models)}
    with ThreadPoolExecutor(4) as pool:
        for model, found in zip(models, pool.map(state, models), strict=True):
            assert all(torch.equal(tensor, known[model][name]) for name, tensor in found.items())


def test_no_weights_are_drawn_that_a_file_replaces(tmp_path, monkeypatch):
    """They are most of the time that it takes to make a network."""
    drawn = []

    def noted(make, tensor, *args, **options):
        drawn.append(make(tensor, *args, **options))

    for name in ("kaiming_normal_", "kaiming_uniform_"):
        monkeypatch.setattr(nn.init, name, partial(noted, getattr(nn.init, name)))
    small(weights=str(tmp_path / "nowhere.pth"))
    on_cpu = [one for one in drawn if one.device.type == "cpu"]
    assert on_cpu and not any(one.any() for one in on_cpu)
    drawn.clear()
    small()
    assert all(one.any() for one in drawn if one.device.type == "cpu")


def test_buffers_are_drawn_whatever_is_read_later():
    with undrawn():
        module = nn.Linear(3, 4)
        module.register_buffer("noise", torch.empty(5).normal_())
        norm = nn.BatchNorm2d(2)
    assert not module.weight.any() and module.noise.any()
    assert torch.equal(norm.weight, torch.ones(2))
    assert nn.Linear(3, 4).weight.any()
