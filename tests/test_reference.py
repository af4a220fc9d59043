"""Real images and real weights, against an independent float64 implementation of PaDiM."""

import json

import pytest

from padimkit.cli.main import main

DATA = {"tile": "magnetic_tile", "bottle": "mvtec_bottle_256", "transistor": "mvtec_transistor_256"}


@pytest.mark.parametrize(
    "category",
    ["bottle", *(pytest.param(name, marks=pytest.mark.thorough) for name in ("tile", "transistor"))],
)
def test_figures_and_scores_agree_with_the_reference(shared, tmp_path, category):
    reference = json.loads((shared / "data" / "REFERENCE.json").read_text())[category]
    weights = shared / "weights" / "resnet18_stem_to_layer3.safetensors"
    root = shared / "data" / DATA[category]
    if not root.is_dir():
        pytest.skip(f"the real images of {category} are not in {root}")
    words = ["evaluate", "padim-r18", f"--pipeline.backbone.weights={weights}"]
    words += ["--data=mvtec", f"--data.root={root}", f"--data.category={category}"]
    words += ["--batch_size=32"]  # each batch reads a factor of more than 1 GB
    assert main([*words, f"--output={tmp_path / 'result.json'}"]) == 0
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["metrics"].keys() == reference["metrics"].keys()
    for name, expected in reference["metrics"].items():
        assert result["metrics"][name] == pytest.approx(expected, abs=0.002)
    test = root / category / "test"
    scores = {image["path"].removeprefix(f"{test}/"): image["score"] for image in result["images"]}
    assert scores.keys() == reference["scores"].keys()
    for path, expected in reference["scores"].items():
        assert scores[path] == pytest.approx(expected, rel=0.002), path
