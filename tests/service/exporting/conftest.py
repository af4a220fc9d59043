"""A small calibrated model, exported once to each runtime: torch takes seconds to write a graph."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from padimkit import (
    FilterBank,
    Gaussian,
    Joint,
    Pipeline,
    Preprocessing,
    RandomChannels,
    calibrate,
    export,
    save,
)


@dataclass(frozen=True)
class Small:
    """A model, images that it has learnt, and others, one of which is anomalous."""

    folder: Path
    images: list[Path]
    unseen: list[Path]
    onnx: Path
    openvino: Path


@pytest.fixture(scope="session")
def small(tmp_path_factory, common_seed) -> Small:
    root, random = tmp_path_factory.mktemp("exported"), np.random.default_rng(common_seed)
    paths = [root / f"{number}.png" for number in range(12)]
    for path in paths:
        _soft(random).save(path)
    bad = np.array(_soft(random))
    bad[20:30, 20:30] = (255, 0, 0)
    paths.append(root / "bad.png")
    Image.fromarray(bad).save(paths[-1])
    pipeline = Pipeline(
        FilterBank(scales=2, orientations=2),
        RandomChannels(keep=6),
        Gaussian(),
        Joint(),
        preprocessing=Preprocessing(48, 40),
    ).fit(paths[:8], progress=False)
    calibration = calibrate(pipeline, paths[:8], progress=False)
    save(pipeline, root / "model", calibration=calibration)
    made = {}
    for format, suffix in (("onnx", ".onnx"), ("openvino", ".xml")):
        found = export(root / "model", root / f"model{suffix}", format=format)
        assert found.parity.largest < 1e-5 and "learnt" in found.parity.images
        made[format] = found.path
    return Small(root / "model", paths[:8], paths[8:], **made)


def _soft(random) -> Image.Image:
    coarse = random.integers(100, 150, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((56, 52), Image.Resampling.BICUBIC)
