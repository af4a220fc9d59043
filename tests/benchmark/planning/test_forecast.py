import pytest

from padimkit.benchmark.planning.forecast import peak_bytes
from padimkit.benchmark.planning.suite import Suite
from padimkit.densities.gaussian import Gaussian

MODULE = {"class_path": "torchvision.models.resnet18"}


@pytest.fixture
def predicted(suite):
    """The bytes that are predicted of a pipeline over this backbone, with 3 of its channels."""

    def predicted(backbone):
        pipeline = {
            "backbone": backbone,
            "reducer": {"class_path": "random_channels", "init_args": {"keep": 3}},
            "density": "gaussian",
            "preprocessing": {"resize": 64, "crop": 64},
        }
        path = suite(pipelines=[{"name": "mine", "pipeline": pipeline}], seeds=[0])
        (planned,) = Suite.read(path, trust=True).planned
        return peak_bytes(planned)

    return predicted


def torch_module(weights):
    arguments = {"module": MODULE, "layers": ["layer1", "layer2"], "weights": str(weights)}
    return {"class_path": "torch_module", "init_args": arguments}


def timm(weights):
    arguments = {"model": "resnet18.tv_in1k", "layers": ["layer1", "layer2"], "weights": str(weights)}
    return {"class_path": "timm", "init_args": arguments}


@pytest.mark.parametrize("backbone", [torch_module, timm])
def test_bytes_are_predicted_without_reading_weights(predicted, tmp_path, backbone):
    unreadable = tmp_path / "weights.pth"
    unreadable.write_text("not read")
    expected = Gaussian().peak_bytes(images=12, channels=3, positions=16 * 16)
    assert predicted(backbone(unreadable)) == expected


def test_bytes_are_predicted_of_a_module_with_the_weights_that_it_comes_with(predicted):
    assert predicted(torch_module("as_made")) == predicted(timm("none"))
