"""`padimkit export`: a stored model for other runtimes.

A command of its own: `main` imports it by name when it is called.
"""

from pathlib import Path
from typing import Literal

from padimkit.cli.output import require_output
from padimkit.cli.predict import find_images
from padimkit.config.commands import add_trust
from padimkit.config.parser import new_parser, parse_words
from padimkit.registry.registry import Registry
from padimkit.service.exporting.export import export


def run(words: list[str]) -> None:
    """Write the model in a folder as a file for another runtime, and print how far its results differ."""
    parser = new_parser(
        "export",
        usage="padimkit export MODEL --format FORMAT --output FILE [OPTIONS]",
        description="Write a stored model as a graph that runs without padimkit: images of any size in, "
        "score, map, p-value and verdict out. Its results are compared with those of the model, in batches "
        "of 1 and 8; in float32, differences above 1e-4 of a value are an error, and nothing is written.",
    )
    parser.add_argument("model", type=Path, help="Folder that fit has written.")
    names = ", ".join(Registry("exporters").names())
    parser.add_argument("--format", type=str, default="onnx", help=f"The runtime, one of {names}.")
    parser.add_argument(
        "--precision",
        type=Literal["float32", "bfloat16", "int8"],
        default="float32",
        help="Type of number that the runtime computes with, where the format has several, as openvino has.",
    )
    parser.add_argument(
        "--images",
        type=Path,
        nargs="+",
        default=[],
        help="Images, or folders, to compare on, and to find the ranges of int8 on; by default those that "
        "the model has learnt, if they are still there, mirrored to compare on, else drawn ones.",
    )
    parser.add_argument(
        "--output", type=Path | None, default=None, help="The file: .onnx, .xml, .pt or another."
    )
    parser.add_argument("--overwrite", action="store_true", help="Replace an earlier file.")
    add_trust(parser)
    made = parse_words(parser, words)
    found = export(
        made.model,
        require_output(made.output, "FILE for the exported model"),
        format=made.format,
        precision=made.precision,
        images=find_images(made.images),
        overwrite=made.overwrite,
        trust=made.trust,
    )
    print(found.parity or f"Not compared with the model: {made.format} cannot be run here.")
    sizes = ", ".join(f"{path} ({path.stat().st_size / 1e6:.1f} MB)" for path in found.files)
    print(f"Exported to {sizes}")
