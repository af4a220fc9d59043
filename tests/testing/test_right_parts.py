"""Right parts of unusual kinds, which no check may take for wrong, and checks that could not be made."""

import gc
import io
import multiprocessing
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from mistakes.backbones import Right as RightBackbone
from mistakes.datasets import Right as RightSource
from mistakes.densities import Right as RightDensity
from mistakes.densities import Weighs
from mistakes.maps import Right as RightMap
from mistakes.metrics import WithMore
from mistakes.preprocessors import Right as RightPreprocessor
from PIL import Image, ImageOps
from tqdm import tqdm

from padimkit.contracts import Backbone, DataSource, DensityModel, Mapper, Metric, Preprocessor
from padimkit.report.section import Drawing, ReportSection
from padimkit.testing import NotApplicable, checks_of, outcomes


def check(contract, name):
    (found,) = [one for one in checks_of(contract) if one.name == name]
    return found


def test_a_right_metric_with_named_values_and_values_of_images_passes_all_checks():
    failed = [one.reason for one in outcomes(Metric, WithMore) if one.verdict == "failed"]
    assert failed == []


def test_a_right_density_that_learns_from_anomalous_images_passes_all_checks():
    failed = [one.reason for one in outcomes(DensityModel, Weighs) if one.verdict == "failed"]
    assert failed == []


class Bars(ReportSection):
    """A drawing without a table, whose words are the same for all records."""

    title = "Seconds"

    def build(self, records):
        took = [record.took for record in records]
        return [Drawing(lambda axes: axes.plot(took), "Seconds.", "A line.")] if took else []


def test_a_section_of_a_drawing_without_a_table_counts_the_records():
    check(ReportSection, "all_records_count")(Bars)


class InTwoFiles(RightBackbone):
    """Weights in a file that names another one beside it, as large ONNX models are."""

    def __init__(self, path: Path):
        super().__init__()
        self.path = path
        path.with_suffix(path.read_text()).read_bytes()


def test_weights_that_lie_in_several_files_are_not_taken_apart(tmp_path):
    (tmp_path / "net.txt").write_text(".bin")
    (tmp_path / "net.bin").write_bytes(b"weights")
    with pytest.raises(NotApplicable, match="cannot be read apart from those beside them"):
        check(Backbone, "restored_weights_need_no_file")(partial(InTwoFiles, tmp_path / "net.txt"))


def noise(path):
    random = np.random.default_rng(list(str(path).encode()))
    return Image.fromarray(random.integers(0, 256, (40, 40, 3), dtype=np.uint8))


class Faint(RightSource):
    """Defects that nobody sees in noise: whose masks mark more of it is chance."""

    def test(self):
        return [replace(one, open=noise) for one in super().test()]


def test_masks_of_defects_that_are_hardly_seen_pass():
    for number in range(25):
        check(DataSource, "masks_mark_the_anomalies")(partial(Faint, f"faint{number}"))
        check(DataSource, "masks_lie_where_images_differ")(partial(Faint, f"faint{number}"))


class ByNumpy(RightMap):
    """A map that NumPy computes, and that goes back to the device of the scores."""

    def upsample(self, patches, size):
        found = super().upsample(torch.from_numpy(patches.cpu().numpy().copy()), size)
        return found.to(patches.device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there it can be checked")
def test_a_map_that_numpy_computes_is_not_judged_by_tensors_without_values():
    with pytest.raises(NotApplicable, match="reads values of scores, and there is no CUDA"):
        check(Mapper, "predictions_stay_on_the_device")(ByNumpy)


class Stretched(RightPreprocessor):
    """The contrast of each picture becomes as large as it can be."""

    def image(self, picture):
        return super().image(ImageOps.autocontrast(picture))


def test_spots_are_found_where_the_contrast_follows_the_picture():
    check(Preprocessor, "points_lie_where_the_pixels_go")(Stretched)


class ShowsProgress(RightDensity):
    """Progress by tqdm, whose thread stays for bars to come, and a pool that settles how processes start."""

    def fit(self, stream):
        multiprocessing.get_start_method()
        tqdm.monitor = None  # as for the first bar
        with tqdm(stream, disable=False, file=io.StringIO(), mininterval=0) as shown:
            super().fit(shown)


def test_progress_and_pools_leave_the_program_as_it_was(monkeypatch):
    monkeypatch.setattr(multiprocessing.get_start_method.__self__, "_actual_context", None)
    assert multiprocessing.get_start_method(allow_none=True) is None
    monkeypatch.setattr(tqdm, "monitor", None)
    check(DensityModel, "leaves_the_program_alone")(ShowsProgress)
    assert tqdm.monitor is not None and tqdm.monitor.is_alive()


def test_what_a_program_has_frozen_stays_frozen_while_a_part_is_checked():
    frozen = gc.get_freeze_count()
    assert frozen > 0  # by conftest.py
    check(Metric, "no_results_are_kept")(WithMore)
    assert gc.get_freeze_count() >= frozen


class Cyclic(WithMore):
    """Makes a tensor that is garbage, but not free before garbage is collected."""

    def compute(self):
        cycle = [torch.zeros(3)]
        cycle.append(cycle)
        return super().compute()


def test_tensors_in_cycles_are_garbage_and_not_kept():
    check(Metric, "no_results_are_kept")(Cyclic)
