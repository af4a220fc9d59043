"""What `padimkit info` says of a model."""

import json
import re

import pytest

from padimkit import load, load_calibration, save
from padimkit.cli.main import main


@pytest.fixture
def info(capsys):
    def info(model, *words):
        assert main(["info", str(model), *words]) == 0
        return capsys.readouterr().out

    return info


def fact(text, name):
    return [line[14:] for line in text.splitlines() if line[:14].strip() == name]


def test_it_says_what_the_model_is_and_what_it_has_learnt(learn, good, info):
    model = learn(good)
    found, text = load_calibration(model), info(model)
    assert fact(text, "density")[0].startswith("gaussian (eps: 0.01, ")
    assert fact(text, "preprocessing")[0].startswith("(resize: 32, crop: 28, ")
    (learnt,) = fact(text, "learnt")
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00 fit: 12 images, ", learnt)
    assert "mine.yaml, folder (normal: " in learnt
    assert fact(text, "images") == ["12"]
    assert fact(text, "sizes") == ["48 x 48 (12), height x width in pixels"]
    assert fact(text, "looks at") == [f"{(28 / 32) ** 2:.1%} of an image"]
    assert f"NG above {found.threshold:.4g}: at most 7.69% false alarms" in fact(text, "calibration")
    assert fact(text, "made with") == ["padimkit 0.1.0"]
    total = sum(path.stat().st_size for path in model.iterdir())
    assert fact(text, "bytes") == [f"{total} in 5 files"]


def test_as_json_it_is_the_same_with_null_for_what_is_not_known(learn, good, info):
    model = learn(good, "learnt", "--calibrate=false")
    found = json.loads(info(model, "--json"))
    assert found["images"] == 12 and found["sizes"] == [[48, 48, 12]] and found["calibration"] is None
    assert found["pipeline"]["reducer"] == {
        "class_path": "random_channels",
        "init_args": {"keep": 2, "seed": 1},
    }
    assert [one["command"] for one in found["history"]] == ["fit"]
    assert found["bytes"]["state.safetensors"] == (model / "state.safetensors").stat().st_size


def test_of_a_model_of_an_earlier_version_it_says_what_is_not_stored(learn, good, info, tmp_path):
    save(load(learn(good)), tmp_path / "old")
    text = info(tmp_path / "old")
    for name in ("learnt", "images", "sizes", "looks at"):
        assert fact(text, name) == ["not stored"]
    assert fact(text, "calibration") == ["none"]
    found = json.loads(info(tmp_path / "old", "--json"))
    assert found["images"] is found["sizes"] is found["seen"] is None and found["history"] == []


def test_the_hash_is_that_of_the_content(learn, good, info):
    one, other = learn(good, "one"), learn(good, "other")
    changed = learn(good, "changed", "--false_alarms=0.5")
    assert fact(info(one), "hash") == fact(info(other), "hash") != fact(info(changed), "hash")


def test_images_of_several_sizes_are_counted(learn, good, info):
    from PIL import Image

    for number in range(3):
        Image.new("RGB", (60, 50), "grey").save(good / f"wide_{number}.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (50, 70), "grey").save(good / "turned.jpg", exif=exif)
    assert fact(info(learn(good)), "sizes") == [
        "48 x 48 (12), 50 x 60 (3), 50 x 70 (1), height x width in pixels"
    ]


def test_an_altered_model_is_refused(learn, good, refuse):
    model = learn(good)
    with (model / "state.safetensors").open("ab") as file:
        file.write(b"x")
    assert '"' + str(model / "state.safetensors") + '" has been altered' in refuse("info", model)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda history: {}, '"history" is {}; expected a list of steps'),
        (lambda history: [{"command": "fit"}], "expected the keys command, time, images"),
        (lambda history: [history[0] | {"images": 0}], "is not as padimkit writes it"),
        (lambda history: [history[0] | {"command": "guess"}], "is not as padimkit writes it"),
        (lambda history: [history[0] | {"sizes": [[48, 48]]}], "is not as padimkit writes it"),
        (lambda history: [history[0] | {"seen": 2}], "is not as padimkit writes it"),
    ],
)
def test_a_history_that_padimkit_has_not_written_is_refused(learn, good, refuse, change, said):
    model = learn(good)
    manifest = json.loads((model / "manifest.json").read_text())
    manifest["history"] = change(manifest["history"])
    (model / "manifest.json").write_text(json.dumps(manifest))
    assert said in refuse("info", model)
    load(model)  # it can be used all the same


def test_what_is_no_model_is_refused(refuse, tmp_path):
    assert "is not a model folder: it does not exist" in refuse("info", tmp_path / "nowhere")
    (tmp_path / "model.onnx").touch()
    said = refuse("info", tmp_path / "model.onnx")
    assert "is not a model folder: it is a file" in said and "inspect and serve take .onnx and .xml" in said
