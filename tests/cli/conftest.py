"""A quick pipeline, small pictures of stripes, and models that are fitted on them by the command."""

import shutil
from pathlib import Path

import pytest
from quick_recipe import PIPELINE

from padimkit.cli.main import main
from padimkit.files import file_digest


@pytest.fixture
def recipe(tmp_path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(PIPELINE)
    return path


@pytest.fixture
def source(stripes) -> list[str]:
    """The options by which a command reads the stripes."""
    return ["--data=mvtec", f"--data.root={stripes}", "--data.category=stripes"]


@pytest.fixture
def good(stripes) -> Path:
    """The folder of the training images."""
    return stripes / "stripes" / "train" / "good"


@pytest.fixture
def portion(good, tmp_path):
    """Copies some of the training images, by their numbers, into a folder."""

    def portion(name, numbers):
        (tmp_path / name).mkdir(exist_ok=True)
        for number in numbers:
            shutil.copy(good / f"{number:03}.png", tmp_path / name / f"{number:03}.png")
        return tmp_path / name

    return portion


@pytest.fixture
def learn(recipe, tmp_path, capsys):
    """Fits a model on the images of a folder."""

    def learn(images, name="learnt", *words):
        model = tmp_path / name
        data = ["--data=folder", f"--data.normal={images}"]
        assert main(["fit", str(recipe), *data, f"--output={model}", *words]) == 0
        capsys.readouterr()
        return model

    return learn


@pytest.fixture(scope="session")
def learnt_before() -> dict[tuple[str, ...], Path]:
    """Models that tests of this process have fitted, by the digests of their images."""
    return {}


@pytest.fixture
def learn_once(learn, learnt_before, tmp_path, tmp_path_factory):
    """Copies a model that is fitted on images as in a folder, where it does not matter in which folder."""

    def learn_once(images):
        digests = tuple(map(file_digest, sorted(images.iterdir())))
        if digests not in learnt_before:
            kept = tmp_path_factory.mktemp("learnt") / "model"
            learnt_before[digests] = shutil.copytree(learn(images), kept)
        return shutil.copytree(learnt_before[digests], tmp_path / "model")

    return learn_once


@pytest.fixture
def model(learn_once, good) -> Path:
    """A model that is fitted on all training images, with a calibration."""
    return learn_once(good)


SPADE = (
    "--pipeline.backbone={class_path: timm, init_args: {model: test_resnet.r160_in1k, layers: [layer1], "
    "descriptor: layer4, weights: none}}",
    "--pipeline.density={class_path: spade, init_args: {image_neighbours: 3, gallery_neighbours: 3}}",
)


@pytest.fixture
def learn_spade(learn):
    """Fits a model that can be neither updated nor merged."""
    return lambda images, name: learn(images, name, *SPADE)


@pytest.fixture
def refuse(capsys):
    """Runs a command that must end in one message, and returns it."""

    def refuse(*words):
        assert main([str(word) for word in words]) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"padimkit {words[0]}: error: ") and "Traceback" not in error
        assert error.count("\n") == 1
        return error

    return refuse
