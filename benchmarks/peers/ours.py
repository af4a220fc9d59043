"""The part of padimkit in each task; it runs in padimkit's environment."""

import tempfile
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

import padimkit
from benchmarks.inputs.embeddings import TESTED, Batches, EmbeddingFile
from benchmarks.inputs.maps import MapFile, batches
from benchmarks.inputs.reference import deviations
from benchmarks.measure import measured, typical_seconds
from padimkit import Batch, Embedding, Gaussian, Prediction, Stream

BATCH = 8


def gaussian(*, storage: str, **arguments: int | str) -> dict[str, float]:
    """Measure fit, score, size on disk and deviations of the density of PaDiM, without a backbone."""
    file = EmbeddingFile(**arguments)  # type: ignore[arg-type]
    read = Batches(file, BATCH)
    tested = Embedding(file.tested(TESTED))
    first = Embedding(tested.patches[:1].clone())
    model = Gaussian(storage=storage)
    with measured() as fit:
        model.fit(Embedding(batch) for batch in read)
        model.score(first)  # the factor is made when it is first needed
    return {
        "fit_seconds": fit.seconds - read.seconds,
        "fit_bytes": fit.peak_bytes,
        "fit_above_bytes": fit.peak_bytes - file.bytes,
        "score_1_seconds": typical_seconds(lambda: model.score(first)),
        "score_8_seconds": typical_seconds(lambda: model.score(tested)),
        "disk_bytes": _stored(model.state_dict()),
        **deviations(file, model.score(tested).patches, eps=model.eps),
    }


def metric(*, name: str, **arguments: int | str) -> dict[str, float]:
    """Measure one metric over a test set of maps and masks."""
    maps, masks = MapFile(**arguments).read()  # type: ignore[arg-type]
    made = {"pro": padimkit.PRO, "pixel_auroc": padimkit.PixelAUROC}[name]()
    with measured() as taken:
        for scores, truth in batches(maps, masks):
            paths = tuple(map(str, range(len(scores))))
            made.update(
                Prediction(scores[:, 0, 0], scores),
                Batch(torch.empty(1).expand(len(scores), 3, *truth.shape[1:]), paths, masks=truth),
            )
        value = made.compute()
    return {"seconds": taken.seconds, "bytes": taken.peak_bytes, "value": value}


def job(*, category: str, weights: str, channels: list[int]) -> dict[str, float]:
    """Measure PaDiM-R18-Rd100 from image files to metrics, with the settings that a user gets."""
    pipeline = padimkit.load_recipe("padim-r18-rd100")
    pipeline.backbone.weights = weights
    source = padimkit.MVTec(Path(category).parent, Path(category).name)
    metrics = {
        "image_auroc": padimkit.ImageAUROC(),
        "pixel_auroc": padimkit.PixelAUROC(),
        "pro": padimkit.PRO(),
    }
    with measured() as whole:
        start = time.perf_counter()
        pipeline.fit(source.train())
        fit = time.perf_counter() - start
        evaluation = padimkit.evaluate(pipeline, source.test(), metrics)
    return {"seconds": whole.seconds, "fit_seconds": fit, "bytes": whole.peak_bytes, **evaluation.metrics}


def _stored(state: dict[str, torch.Tensor]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.safetensors"
        save_file(state, path)
        return path.stat().st_size


def growth(*, images: int, channels: int, side: int) -> dict[str, float]:
    """Measure the peak memory of a fit whose embeddings are drawn batch by batch."""
    from benchmarks.inputs.embeddings import Source

    source = Source(channels, side)
    stream = Stream(
        lambda: (
            Embedding(source.batch(start, min(BATCH, images - start))) for start in range(0, images, BATCH)
        ),
        -(-images // BATCH),
    )
    model = Gaussian()
    with measured() as fit:
        model.fit(stream)
        model.score(Embedding(source.batch(images, 1)))
    return {"bytes": fit.peak_bytes, "seconds": fit.seconds}


def shares(*, category: str, weights: str, channels: list[int]) -> dict[str, float]:
    """Measure the stages of a prediction in batches of 8, in seconds per image."""
    pipeline = padimkit.load_recipe("padim-r18-rd100")
    pipeline.backbone.weights = weights
    reader = padimkit.Reader(pipeline.preprocessing, BATCH, 0)
    source = padimkit.MVTec(Path(category).parent, Path(category).name)
    pipeline.fit(source.train())
    read = reader.batches(source.test())
    batch = next(iter(read))
    start = time.perf_counter()
    count = sum(len(other.paths) for other in read)
    decode = (time.perf_counter() - start) / count
    pyramid = pipeline.levels.split(pipeline.backbone.extract(batch.images))["joint"]
    reducer, density = padimkit.RandomChannels(100), Gaussian()
    reducer.fit([pyramid.embedding()])
    density.fit([Embedding(reducer.transform_then_align(pyramid.maps, pyramid.align))] * 26)
    reduced = Embedding(reducer.transform_then_align(pyramid.maps, pyramid.align))
    scores = density.score(reduced)
    size = pipeline.preprocessing.size
    stages = {
        "predict": lambda: pipeline.predict_batch(batch),
        "backbone": lambda: pipeline.backbone.extract(batch.images),
        "reducer": lambda: reducer.transform_then_align(pyramid.maps, pyramid.align),
        "density": lambda: density.score(reduced),
        "map": lambda: pipeline.map.predict([scores], size),
    }
    return {"decode": decode} | {name: typical_seconds(stage) / BATCH for name, stage in stages.items()}
