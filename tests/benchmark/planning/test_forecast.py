import pytest

from padimkit.benchmark.planning import forecast
from padimkit.benchmark.planning import suite as planning
from padimkit.benchmark.planning.forecast import Forecasts
from padimkit.benchmark.planning.suite import Suite
from padimkit.cli.main import main
from padimkit.densities.gaussian import Gaussian

MODULE = {"class_path": "torchvision.models.resnet18"}


@pytest.fixture
def predicted(suite):
    """The bytes that are predicted of a pipeline over this backbone, with 3 of its channels."""

    def predicted(backbone):
        pipeline = {
            "backbone": backbone,
            "reducer": KEEP,
            "density": "gaussian",
            "preprocessing": {"resize": 64, "crop": 64},
        }
        path = suite(pipelines=[{"name": "mine", "pipeline": pipeline}], seeds=[0])
        (planned,) = Suite.read(path, trust=True).planned
        return Forecasts().of(planned).bytes

    return predicted


KEEP = {"class_path": "random_channels", "init_args": {"keep": 3}}


def torch_module(weights):
    arguments = {"module": MODULE, "layers": ["layer1", "layer2"], "weights": str(weights)}
    return {"class_path": "torch_module", "init_args": arguments}


def timm(weights):
    arguments = {"model": "resnet18.tv_in1k", "layers": ["layer1", "layer2"], "weights": str(weights)}
    return {"class_path": "timm", "init_args": arguments}


def test_cells_that_differ_in_seeds_or_in_data_of_one_size_share_a_forecast(suite, stripes, monkeypatch):
    (stripes / "more").symlink_to(stripes / "stripes")
    pipelines = [
        {
            "recipe": "padim-filter-bank",
            "name": f"to {crop}",
            "set": {"preprocessing": sides, "reducer": KEEP},
        }
        for crop, sides in ((32, {"resize": 64, "crop": 32}), (None, {"resize": None, "crop": None}))
    ]
    data = {"class_path": "mvtec", "init_args": {"root": str(stripes)}, "categories": ["stripes", "more"]}
    resolved, blank = [], []
    monkeypatch.setattr(planning, "resolved", counting(planning.resolved, resolved))
    monkeypatch.setattr(forecast, "blank_embeddings", counting(forecast.blank_embeddings, blank))
    planned = Suite.read(suite(pipelines=pipelines, datasets=[data], seeds=[0, 1, 2])).planned
    assert len(resolved) == 3  # two variants and two places, of which each has one in common with the other
    assert {one.cell.settings["data"]["init_args"]["category"] for one in planned} == {"stripes", "more"}
    assert {one.cell.settings["pipeline"]["preprocessing"]["crop"] for one in planned} == {32, None}
    assert len(planned) == 12
    forecasts = Forecasts()
    found = [forecasts.of(one).bytes for one in planned]
    assert found[::5] == [Forecasts().of(one).bytes for one in planned[::5]] and len(set(found)) == 2
    assert len(blank) == 3 + len(
        planned[::5]
    )  # one for both categories, and one each where these have the size


def counting(function, calls):
    def counted(*arguments):
        calls.append(arguments)
        return function(*arguments)

    return counted


@pytest.mark.parametrize("backbone", [torch_module, timm])
def test_bytes_are_predicted_without_reading_weights(predicted, tmp_path, backbone):
    unreadable = tmp_path / "weights.pth"
    unreadable.write_text("not read")
    expected = Gaussian().peak_bytes(images=12, channels=3, positions=16 * 16)
    assert predicted(backbone(unreadable)) == expected


def test_bytes_are_predicted_of_a_module_with_the_weights_that_it_comes_with(predicted):
    assert predicted(torch_module("as_made")) == predicted(timm("none"))


def test_a_method_that_refuses_a_random_image_is_told_in_a_dry_run(suite, install, capsys):
    install(
        "picky",
        {"picky": "picky_module:Picky"},
        {
            "picky_module": """
            from padimkit import BadImage, Backbone

            class Picky(Backbone):
                def extract(self, images):
                    raise BadImage("Only images of screws are understood.")
                def to(self, device):
                    pass
            """
        },
        group="padimkit.backbones",
    )
    pipeline = {"backbone": "picky", "reducer": "identity", "density": "gaussian"}
    path = suite(pipelines=[{"name": "mine", "pipeline": pipeline}], seeds=[0])
    assert main(["benchmark", str(path), "--dry-run"]) == 0
    said = "mine on mvtec/stripes, seed 0: refuses a random image: Only images of screws are understood.\n"
    assert capsys.readouterr().out.endswith(said)
