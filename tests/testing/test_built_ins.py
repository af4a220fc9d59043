"""Every registered built-in goes through every check of its contract."""

import shutil
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp

import layouts
import pytest
from sklearn.decomposition import IncrementalPCA
from sklearn.random_projection import GaussianRandomProjection
from torchmetrics.classification import BinaryAveragePrecision, BinaryF1Score

from padimkit.contracts import (
    Backbone,
    DataSource,
    DensityModel,
    Levels,
    Mapper,
    Metric,
    Preprocessor,
    Reducer,
)
from padimkit.registry.families import FAMILIES
from padimkit.registry.registry import Registry
from padimkit.report.section import ReportSection
from padimkit.service.exporting.exporter import Exporter
from padimkit.testing.pytest import contract_checks


def new_folder(root):
    return Path(mkdtemp(dir=root))


def loco(root):
    (root / "stripes" / "defects_config.json").write_text("[]")
    return root


def laid_out(make, data):
    """The images in another layout; a source may be made more than once."""
    root = data / make.__name__
    return root if root.is_dir() else make(layouts.Drawn(data / "stripes"), root)


def listed(folder):
    paths = [path.relative_to(folder) for path in sorted(folder.glob("t*/*/*.png"))]
    rows = ["image,mask,label,split"]
    for path in paths:
        mask = f"ground_truth/spot/{path.stem}_mask.png" if "spot" in path.parts else ""
        rows.append(f"{path},{mask},{'bad' if mask else 'good'},{path.parts[0]}")
    (folder / "table.csv").write_text("\n".join(rows))
    return folder / "table.csv"


# By family and name, the arguments to check it with; data sources are given the folder of some images.
TIMM = {"model": "test_resnet.r160_in1k", "layers": ["layer1", "layer3"], "weights": "none"}
SQUEEZENET = {
    "module": {"class_path": "torchvision.models.squeezenet1_1", "init_args": {"num_classes": 2}},
    "layers": ["features.3", "features.6"],
    "weights": "as_made",
}
AS_CHECKED = "as the class says that it is checked, for `padimkit plugins check` without arguments"
ARGUMENTS = {
    "backbones": {
        "filter_bank": [{}],
        "pixels": [{}],
        "timm": [TIMM | {"descriptor": "layer4"}],
        "torch_module": [SQUEEZENET | {"descriptor": "features.6"}],
    },
    "reducers": {
        "identity": [{}],
        "pca": [{"keep": 3}, {"keep": 3, "which": "low_variance"}, {"keep": 0.5}],
        "pca_per_position": [AS_CHECKED],
        "random_channels": [AS_CHECKED],
        "scikit_learn": [
            {"estimator": IncrementalPCA(3), "patches": 600},
            {"estimator": GaussianRandomProjection(3)},
        ],
    },
    "densities": {
        "spade": [AS_CHECKED],
        "gaussian": [
            {"scope": "per_position", "covariance": "empirical"},
            {"scope": "per_position", "covariance": "ledoit_wolf"},
            {"scope": "shared", "covariance": "empirical"},
            {"scope": "shared", "covariance": "ledoit_wolf"},
            {"precision": "float64"},
        ],
    },
    "metrics": {
        "aupimo": [AS_CHECKED],
        "image_auroc": [{}],
        "image_average_precision": [{}],
        "image_f1_max": [{}],
        "image_sensitivity": [AS_CHECKED],
        "pixel_auroc": [{}],
        "pixel_average_precision": [{}],
        "pixel_f1_max": [{}],
        "pixel_iou": [AS_CHECKED, {"max_fpr": 0.05}],
        "pixel_sensitivity": [AS_CHECKED, {"max_fpr": 0.05}],
        "pro": [{}, {"max_fpr": 1.0}],
        "spro": [{}],
        "torchmetrics": [
            {"metric": BinaryAveragePrecision(), "level": "image"},
            {"metric": BinaryF1Score(), "level": "pixel"},
        ],
    },
    "levels": {
        "joint": [{}, {"pooling": "local", "alignment": "bilinear"}],
        "separate": [{}, {"pooling": "global"}],
    },
    "maps": {"smoothed": [{"sigma": 4.0}, {"sigma": 0.0}, {"sigma": 60.0}, {"image_score": "before"}]},
    "exporters": {"onnx": [{}], "openvino": [{}], "torchscript": [{}]},
    "sections": {"worst_images": [{}, {"most": 2}]},
    "preprocessors": {"perspective": [AS_CHECKED]},
    "datasets": {
        "dagm": [lambda data: {"root": laid_out(layouts.dagm, data), "category": "Class3"}],
        "folder": [
            lambda data: {
                "normal": data / "stripes/train/good",
                "anomalous": data / "stripes/test/spot",
                "masks": data / "stripes/ground_truth/spot",
            }
        ],
        "held_out": [lambda data: {"data": whole(data), "part": "report"}],
        "kolektor_sdd": [lambda data: {"root": laid_out(layouts.kolektor_sdd, data)}],
        "kolektor_sdd2": [lambda data: {"root": laid_out(layouts.kolektor_sdd2, data)}],
        "mvtec": [lambda data: {"root": data, "category": "stripes"}],
        "mvtec_ad2": [lambda data: {"root": laid_out(layouts.mvtec_ad2, data), "category": "can"}],
        "mvtec_loco": [lambda data: {"root": loco(data), "category": "stripes"}],
        "rd_mvtec": [lambda data: {"root": data, "category": "stripes", "resize": 64, "crop": 56}],
        "real_iad": [lambda data: {"root": laid_out(layouts.real_iad, data), "category": "toy"}],
        "shanghaitech": [
            lambda data: {"root": data / "campus"},
            lambda data: {"root": data / "campus", "scene": 1, "train_every": 5, "test_every": 3},
        ],
        "table": [lambda data: {"file": listed(data / "stripes")}],
        "synthetic": [
            lambda data: {"root": new_folder(data), "train_images": 4, "test_images": 1, "size": 64},
        ],
    },
}


def whole(data):
    return make("datasets", "mvtec", {"root": data, "category": "stripes"})


def variants(family):
    return [
        pytest.param(name, arguments, id=f"{name}{number}")
        for name, variants in ARGUMENTS[family].items()
        for number, arguments in enumerate(variants)
    ]


@cache
def loaded(family, name):
    return Registry(family).load(name)


def make(family, name, arguments):
    part = loaded(family, name)
    return part(**(part.checked.arguments if arguments is AS_CHECKED else arguments))


@pytest.mark.parametrize("family", [family.plural for family in FAMILIES])
def test_no_built_in_is_left_out(family):
    plugins = {plugin.name for plugin in Registry(family).plugins() if plugin.distribution == "padimkit"}
    assert set(ARGUMENTS[family]) == plugins


@pytest.fixture(scope="module")
def data(drawn_stripes, drawn_campus, tmp_path_factory):
    """Images that all checks read, in the layouts of all data sources."""
    root = shutil.copytree(drawn_stripes, tmp_path_factory.mktemp("layouts") / "data")
    (root / "campus").symlink_to(drawn_campus.root)
    return root


@contract_checks(Backbone)
@pytest.mark.parametrize(("name", "arguments"), variants("backbones"))
def test_backbone(check, name, arguments):
    check(partial(make, "backbones", name, arguments))


@contract_checks(Reducer)
@pytest.mark.parametrize(("name", "arguments"), variants("reducers"))
def test_reducer(check, name, arguments):
    check(partial(make, "reducers", name, arguments))


@contract_checks(DensityModel)
@pytest.mark.parametrize(("name", "arguments"), variants("densities"))
def test_density(check, name, arguments):
    check(partial(make, "densities", name, arguments))


@contract_checks(Metric)
@pytest.mark.parametrize(("name", "arguments"), variants("metrics"))
def test_metric(check, name, arguments):
    check(partial(make, "metrics", name, arguments))


@contract_checks(Levels)
@pytest.mark.parametrize(("name", "arguments"), variants("levels"))
def test_levels(check, name, arguments):
    check(partial(make, "levels", name, arguments))


@contract_checks(Mapper)
@pytest.mark.parametrize(("name", "arguments"), variants("maps"))
def test_map(check, name, arguments):
    check(partial(make, "maps", name, arguments))


@contract_checks(Preprocessor)
@pytest.mark.parametrize(("name", "arguments"), variants("preprocessors"))
def test_preprocessor(check, name, arguments):
    check(partial(make, "preprocessors", name, arguments))


@contract_checks(ReportSection)
@pytest.mark.parametrize(("name", "arguments"), variants("sections"))
def test_section(check, name, arguments):
    check(partial(make, "sections", name, arguments))


UNWRITTEN = {"has_a_suffix", "has_known_precisions", "is_made_without_arguments", "arguments_have_names"}


@contract_checks(Exporter)
@pytest.mark.parametrize(("name", "arguments"), variants("exporters"))
def test_exporter(check, name, arguments):
    if name != "torchscript" and check.check.name not in UNWRITTEN:
        pytest.skip("A trace takes seconds; tests/service/exporting compares what it gives.")
    check(partial(make, "exporters", name, arguments))


@contract_checks(DataSource)
@pytest.mark.parametrize(("name", "arguments"), variants("datasets"))
def test_data_source(check, name, arguments, data):
    check(lambda: make("datasets", name, arguments(data)))
