"""`make bench-depth`: bottles of 10 and 12 bits in files of 16, read with their depth and as if it were 16.

The bottles have 8 bits; each value is brought to the wider range and rounded, as a camera of that depth would
give it. ResNet18 to layer3 and 100 of 448 channels, as in PaDiM-R18-Rd100.
"""

import argparse
import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from jaxtyping import UInt16
from PIL import Image

from benchmarks import machine
from padimkit import Gaussian, MVTec, Pipeline, Preprocessing, RandomChannels, Timm, evaluate

ROOT = Path(__file__).resolve().parents[2] / "shared"
RECORD = Path(__file__).parent / "records" / "depth.json"
WEIGHTS = ROOT / "weights" / "resnet18_stem_to_layer3.safetensors"
CASES = ((8, "auto"), (10, "auto"), (10, 16), (12, "auto"), (12, 16))


def deepened(source: MVTec, depth: int, root: Path) -> MVTec:
    """Return the data set with this many bits in files of 16, written below `root`; of 8, it is as it is."""
    if depth == 8:
        return source
    for sample in (*source.train(), *source.test()):
        file = root / sample.path.relative_to(source.root).with_suffix(".png")
        file.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(sample.path) as picture:
            pixels = np.asarray(picture.convert("RGB")) * ((2**depth - 1) / 255)
        file.write_bytes(b"".join(png(np.rint(pixels).astype(np.uint16))))
    return MVTec(root, source.category)


def png(pixels: UInt16[np.ndarray, "H W 3"]) -> Iterator[bytes]:
    """Yield the parts of a PNG of 16 bits, which Pillow does not write in colour."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    yield b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b"")):
        yield struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def rows(source: MVTec, parts: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """Yield a line for each depth of files and each way to read them, beside the scores of 8 bits."""
    expected: list[float] = []
    for depth, bits in CASES:
        with TemporaryDirectory() as folder:
            deep = deepened(source, depth, Path(folder))
            pipeline = Pipeline(**parts, preprocessing=Preprocessing(256, 224, bits=bits))
            pipeline.fit(deep.train(), progress=False)
            found = evaluate(pipeline, deep.test(), ["image_auroc"], progress=False)
        scores = [image.score for image in found.images]
        expected = expected or scores
        deviation = float(np.abs(np.divide(scores, expected) - 1).max())
        auroc = found.metrics["image_auroc"]
        yield {"depth": depth, "bits": bits, "image_auroc": auroc, "largest_deviation": deviation}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", type=Path, default=RECORD, help="File of the record.")
    given = parser.parse_args()
    backbone = Timm(model="resnet18.tv_in1k", layers=["layer1", "layer2", "layer3"], weights=str(WEIGHTS))
    parts = {"backbone": backbone, "reducer": RandomChannels(100), "density": Gaussian()}
    found = []
    for line in rows(MVTec(ROOT / "data" / "mvtec_bottle_256", "bottle"), parts):
        found.append(line)
        print(
            f"{line['depth']:>2} bits, read with bits={line['bits']}: image AUROC {line['image_auroc']:.4f}, "
            f"scores differ by at most {line['largest_deviation']:.2%}",
            flush=True,
        )
    record = {"rows": found, "machine": machine.describe(), "versions": machine.versions()}
    given.record.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
