"""The program that draws `synthetic.png`: image, true defect and anomaly map, for a defect of each kind."""

import sys
from pathlib import Path

import torch
from matplotlib import pyplot
from matplotlib.axes import Axes

from padimkit import Reader, load_recipe
from padimkit.datasets.synthetic.dataset import Synthetic
from padimkit.inspection.predictions import overlay

SHOWN = {
    "texture": ("cut", "distortion", "missing_thread", "stain"),
    "object": ("chipped", "misplaced_hole", "rust", "scratch"),
    "assembly": ("cut_leg", "debris", "misplaced", "reversed"),
}


def main(root: str) -> None:
    figure, axes = pyplot.subplots(4, 9, figsize=(16.2, 7.2))
    for third, category in enumerate(SHOWN):
        show(Path(root), category, axes[:, 3 * third : 3 * third + 3])
    figure.subplots_adjust(left=0, right=1, bottom=0, top=1, wspace=0.02, hspace=0.02)
    figure.savefig(Path(__file__).parent / "synthetic.png", dpi=60)


def show(root: Path, category: str, axes: list[list[Axes]]) -> None:
    source, pipeline = Synthetic(root, category), load_recipe()
    pipeline.fit(source.train())
    shown: dict[str, tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = {}
    for batch in Reader(pipeline.preprocessing).batches(source.test()):
        maps = pipeline.predict(batch.images).anomaly_maps
        for path, image, mask, anomaly_map in zip(batch.paths, batch.images, batch.masks, maps, strict=True):
            if mask.any():  # the first of each kind, whether it is found or not
                shown.setdefault(Path(path).parent.name, (image, mask, anomaly_map))
    low = min(float(anomaly_map.min()) for *_, anomaly_map in shown.values())
    high = max(float(anomaly_map.max()) for *_, anomaly_map in shown.values())
    for row, kind in zip(axes, SHOWN[category], strict=True):
        image, mask, anomaly_map = shown[kind]
        row[0].imshow(image.permute(1, 2, 0))
        row[1].imshow(mask, cmap="gray")
        row[2].imshow(overlay(image, anomaly_map, low=low, high=high))
        for axis in row:
            axis.set_axis_off()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "padimkit-synthetic")
