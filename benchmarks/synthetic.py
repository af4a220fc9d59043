"""The synthetic data set beside real images: do methods separate, and in the same order?

Measures seventeen methods on folders in the layout of MVTec AD and adds their metric values to a record; then
prints the record, and Spearman's rank correlation between synthetic and real categories. Each image goes
through a network once, and all methods read its maps from memory.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

from scipy.stats import spearmanr
from torch import Tensor

import padimkit
from padimkit import Backbone, Features, Gaussian, Identity, Joint, MVTec, Pipeline, Reader, Separate
from padimkit.datasets.synthetic.dataset import CATEGORIES, Synthetic

RECORD = Path(__file__).parent / "records" / "synthetic.json"
SHARED = Path(__file__).resolve().parents[2] / "shared"  # beside the checkout; may not be redistributed
RESNET = SHARED / "weights" / "resnet18_stem_to_layer3.safetensors"
METRICS = {"image_auroc": "image AUROC", "pixel_auroc": "pixel AUROC", "pro": "PRO"}
R18, LITE = ("layer1", "layer2", "layer3"), ("blocks.1", "blocks.2", "blocks.4")


@final
class Remembered(Backbone):
    """Some layers of a network that computes each image once."""

    def __init__(
        self, network: Backbone, known: dict[bytes, Features], layers: tuple[str, ...], descriptor: str | None
    ) -> None:
        self.network = network
        self.known = known
        self.layers = layers
        self.descriptor = descriptor

    def extract(self, images: Tensor) -> Features:
        key = images[..., ::7, ::7].contiguous().numpy().tobytes()
        if key not in self.known:
            self.known[key] = self.network.extract(images)
        maps = self.known[key].maps
        described = maps[self.descriptor].mean((2, 3)) if self.descriptor else None
        return Features({layer: maps[layer] for layer in self.layers or maps}, described)

    def to(self, device: object) -> None:
        """Stay on the CPU, where the maps are."""


def pipelines() -> Iterator[tuple[str, Pipeline]]:
    """Yield the methods by name, over networks whose maps are remembered."""
    networks: dict[str, tuple[Backbone, dict[bytes, Features]]] = {
        "R18": (padimkit.Timm("resnet18.tv_in1k", list(R18), str(RESNET)), {}),
        "Lite0": (
            padimkit.Timm("tf_efficientnet_lite0", ["blocks.0", *LITE[:2], "blocks.3", LITE[2]], "installed"),
            {},
        ),
        "filter bank": (padimkit.FilterBank(), {}),
    }

    def over(network: str, layers: tuple[str, ...], descriptor: str | None = None, **parts: Any) -> Pipeline:
        backbone = Remembered(*networks[network], layers, descriptor)
        return Pipeline(backbone, **{"reducer": Identity(), "density": Gaussian(eps=0.01)} | parts)

    load = {family: padimkit.Registry(family).load for family in ("reducers", "densities")}
    for name, layers in (("R18", R18), ("Lite0", LITE)):
        yield f"PaDiM-{name}, all", over(name, layers)
        yield f"PaDiM-{name}-Rd100", over(name, layers, reducer=load["reducers"]("random_channels")(100))
        yield (
            f"PatchCore-{name}, 1 %",
            over(
                name,
                layers[1:],
                levels=Joint(pooling="local", window=3, border="zeros", alignment="bilinear"),
                density=load["densities"]("patchcore")(ratio=0.01, neighbours=9),
                map=padimkit.AnomalyMap(upsampling="bilinear"),
            ),
        )
        spade = load["densities"]("spade")(image_neighbours=5, gallery_neighbours=5)
        yield f"SPADE-{name}, K = 5", over(name, layers, layers[-1], density=spade)
        yield (
            f"MahalanobisAD-{name}",
            over(
                name,
                layers if name == "R18" else (),
                levels=Separate(pooling="global"),
                density=Gaussian(eps=0.0, covariance="ledoit_wolf", precision="float64"),
                map=padimkit.AnomalyMap(sigma=0.0),
            ),
        )
    yield "PaDiM-R18-PCA100", over("R18", R18, reducer=load["reducers"]("pca")(100))
    semi_orthogonal = load["reducers"]("semi_orthogonal")(100)
    yield "semi-orthogonal-R18, k = 100", over("R18", R18, reducer=semi_orthogonal)
    for number, layer in enumerate(R18, start=1):
        yield f"PaDiM-R18, layer {number}", over("R18", (layer,))
    yield "PaDiM-R18, layer 1+2+3 (sum)", over("R18", R18, levels=Separate())
    yield "PaDiM, filter bank", over("filter bank", ())


def measure(folder: Path, only: str) -> dict[str, dict[str, float]]:
    """Return the metric values of methods on a category; MahalanobisAD, which has no maps, has one.

    Args:
        folder: The category, in the layout of MVTec AD.
        only: Part of the names of the methods to measure.
    """
    source, found = MVTec(folder.parent, folder.name), {}
    train, test = (list(Reader().batches(samples)) for samples in (source.train(), source.test()))
    for name, pipeline in ((name, pipeline) for name, pipeline in pipelines() if only in name):
        values = padimkit.evaluate(pipeline.fit(train, progress=False), test, progress=False).metrics
        kept = ["image_auroc"] if name.startswith("Mahalanobis") else list(METRICS)
        found[name] = {metric: round(100 * values[metric], 2) for metric in kept}
        print(folder.name, name, found[name], flush=True)
    return found


def table(record: dict[str, dict[str, dict[str, float]]]) -> Iterator[str]:
    """Yield lines of Markdown: the values of each method on each category, metric by metric."""
    for metric, title in METRICS.items():
        yield f"| {title} | {' | '.join(record)} |"
        yield "|---" * (len(record) + 1) + "|"
        for method in dict.fromkeys(name for values in record.values() for name in values):
            found = [record[one].get(method, {}).get(metric) for one in record]
            if any(value is not None for value in found):
                yield f"| {method} | {' | '.join('' if v is None else f'{v:.1f}' for v in found)} |"
        yield ""


def correlations(record: dict[str, dict[str, dict[str, float]]], real: list[str]) -> Iterator[str]:
    """Yield lines of Markdown: Spearman's rank correlation over the methods that both categories have."""
    yield "| | metric | " + " | ".join(real) + " |"
    yield "|---" * (len(real) + 2) + "|"
    for name in [one for one in record if one not in real]:
        for metric, title in METRICS.items():
            row = [correlation(record[name], record[other], metric) for other in real]
            yield f"| {name} | {title} | {' | '.join(row)} |"


def correlation(one: dict[str, dict[str, float]], other: dict[str, dict[str, float]], metric: str) -> str:
    both = [method for method in one if metric in one[method] and metric in other.get(method, {})]
    if len(both) < 8:
        return ""
    rank = spearmanr(*([found[method][metric] for method in both] for found in (one, other))).statistic
    return f"{rank:.2f} ({len(both)})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folders", nargs="*", type=Path, help="Categories to measure, in the layout of MVTec AD."
    )
    parser.add_argument(
        "--draw", type=Path, help="A root to draw synthetic categories into, to measure them."
    )
    parser.add_argument("--difficulty", type=float, default=0.5)
    parser.add_argument("--label", default="{}", help='Names in the record, such as "{}, before".')
    parser.add_argument("--record", type=Path, default=RECORD)
    parser.add_argument("--only", default="", help="Measure anew only methods with this in their name.")
    given = parser.parse_args()
    record = json.loads(given.record.read_text()) if given.record.exists() else {}
    if given.draw:
        for category in CATEGORIES:
            Synthetic(given.draw, category, 60, 20, difficulty=given.difficulty).train()
            given.folders.append(given.draw / category)
    given.record.parent.mkdir(exist_ok=True, parents=True)
    for folder in given.folders:
        name = given.label.format(folder.name)
        record[name] = record.get(name, {}) | measure(folder, given.only)
        given.record.write_text(json.dumps(record, indent=1) + "\n")
    print(
        *table(record),
        *correlations(record, [n for n in ("tile", "bottle", "transistor") if n in record]),
        sep="\n",
    )


if __name__ == "__main__":
    main()
