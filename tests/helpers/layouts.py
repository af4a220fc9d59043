"""Small copies of a data set in the layouts of published ones, of the images of the fixture `stripes`."""

import json
from pathlib import Path

import numpy as np
from PIL import Image


class Drawn:
    """The images of a category in the layout of MVTec AD, and the masks of anomalous ones."""

    def __init__(self, category):
        self.category = category
        self.learnt = sorted((category / "train" / "good").iterdir())
        self.good = sorted((category / "test" / "good").iterdir())
        self.bad = sorted((category / "test" / "spot").iterdir())

    def mask(self, path):
        return self.category / "ground_truth" / "spot" / f"{path.stem}_mask.png"


def copied(path, target, *, blank=False):
    target.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.open(path)
    (Image.fromarray(np.zeros_like(np.asarray(picture))) if blank else picture).save(target)
    return target


def kolektor_sdd(drawn, root):
    """Four commutators of five views; the last view of each has a defect."""
    for number, bad in enumerate(drawn.bad):
        normal = [*drawn.learnt, *drawn.good][4 * number : 4 * number + 4]
        for view, path in enumerate([*normal, bad]):
            folder = root / f"kos{number + 1:02}"
            copied(path, folder / f"Part{view}.jpg")
            copied(drawn.mask(bad), folder / f"Part{view}_label.bmp", blank=path is not bad)
    return root


def kolektor_sdd2(drawn, root):
    for split, paths in (("train", [*drawn.learnt, drawn.bad[0]]), ("test", [*drawn.good, *drawn.bad])):
        for number, path in enumerate(paths):
            stem = f"{split == 'test':d}{number:04}"
            copied(path, root / split / f"{stem}.png")
            mask = drawn.mask(path if path in drawn.bad else drawn.bad[0])
            copied(mask, root / split / f"{stem}_GT.png", blank=path not in drawn.bad)
    return root


def dagm(drawn, root):
    for split, paths in (("Train", [*drawn.learnt, drawn.bad[0]]), ("Test", [*drawn.good, *drawn.bad])):
        folder = root / "Class3" / split
        for number, path in enumerate(paths, 1):
            copied(path, folder / f"{number:04}.PNG")
            if path in drawn.bad:
                copied(drawn.mask(path), folder / "Label" / f"{number:04}_label.PNG")
        (folder / "Label" / "Labels.txt").write_text("1\n")
    return root


def mvtec_ad2(drawn, root):
    category = root / "can"
    for number, path in enumerate(drawn.learnt):
        copied(path, category / "train" / "good" / f"{number:03}_regular.png")
    copied(drawn.good[0], category / "validation" / "good" / "000_regular.png")
    for subset in ("test_private", "test_private_mixed"):
        copied(drawn.bad[0], category / subset / "000_mixed.png")
    test = category / "test_public"
    for number, path in enumerate([*drawn.good, *drawn.bad]):
        name = f"{number:03}_regular"
        copied(path, test / ("bad" if path in drawn.bad else "good") / f"{name}.png")
        if path in drawn.bad:
            copied(drawn.mask(path), test / "ground_truth" / "bad" / f"{name}_mask.png")
    return root


def real_iad(drawn, root):
    folder = root / "realiad_1024" / "toy"

    def entry(number, path):
        kind, stem = ("OK", "OK") if path not in drawn.bad else ("AK", "NG/AK")
        name = f"{stem}/S{number:04}/toy_{number:04}_C1.jpg"
        copied(path, folder / name)
        mask = None if kind == "OK" else f"{Path(name).with_suffix('')}_mask.png"
        if mask:
            copied(drawn.mask(path), folder / mask)
        return {"category": "toy", "anomaly_class": kind, "image_path": name, "mask_path": mask}

    lists = {
        "meta": {"prefix": "toy/", "normal_class": "OK"},
        "train": [entry(number, path) for number, path in enumerate(drawn.learnt)],
        "test": [entry(100 + number, path) for number, path in enumerate([*drawn.good, *drawn.bad])],
    }
    path = root / "realiad_jsons" / "realiad_jsons" / "toy.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(lists))
    return root
