"""Embeddings of real images as the density of a pipeline gets them, extracted once for many splits.

The pipeline is PaDiM-R18-Rd100, ResNet18 to layer3 and 100 of 448 channels, but at 112 pixels, which take a
quarter of the time of 224.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from padimkit import Gaussian, MVTec, Pipeline, Preprocessing, RandomChannels, Sample, Timm

ROOT = Path(__file__).resolve().parents[3] / "shared"
CATEGORIES = {"bottle": "data/mvtec_bottle_256", "tile": "data/magnetic_tile"}
WEIGHTS = ROOT / "weights" / "resnet18_stem_to_layer3.safetensors"
SIDE = 112
BATCH = 16


def source(category: str) -> MVTec:
    """Return the data set of a category."""
    return MVTec(ROOT / CATEGORIES[category], category)


def all_normal(data: MVTec) -> list[Sample]:
    """Return all normal images of a data set, those of its test set included."""
    return [*data.train(), *(sample for sample in data.test() if not sample.anomalous)]


def pipeline() -> Pipeline:
    """Return the pipeline, of which only the density is to be fitted."""
    backbone = Timm(model="resnet18.tv_in1k", layers=["layer1", "layer2", "layer3"], weights=str(WEIGHTS))
    return Pipeline(backbone, RandomChannels(100), Gaussian(), preprocessing=Preprocessing(128, SIDE))


def reduced(pipeline: Pipeline, samples: Sequence[Sample]) -> Tensor:
    """Return the embeddings "b c h w" as the density of the pipeline gets them."""
    parts = []
    for batch in pipeline.read(samples, BATCH, None, None):
        (pyramid,) = pipeline.levels.split(pipeline.backbone.extract(batch.images)).values()
        if not parts:
            pipeline.reducer.fit([pyramid.embedding()])
        parts.append(pipeline.reducer.transform(pyramid.embedding()).patches)
    return torch.cat(parts)
