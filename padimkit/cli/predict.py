"""`padimkit predict`: score images with a stored model.

A command of its own: `main` imports it by name when it is called.
"""

from collections.abc import Iterable
from pathlib import Path

from padimkit.cli.listing import counted_images
from padimkit.cli.output import require_output
from padimkit.config.commands import PREDICT, predict_parser
from padimkit.config.parser import parse
from padimkit.errors import BadImage, BadOutput
from padimkit.files import new_folder
from padimkit.images.listing import list_images
from padimkit.images.pages import page_of, pages_of
from padimkit.images.sample import Sample
from padimkit.inspection.predictions import KINDS, SCALE, write_predictions
from padimkit.storage import load

_KINDS = {"all": KINDS, "maps": ("maps",), "scores": ()}


def run(words: list[str]) -> None:
    """Write scores, maps and overlays of the images into a folder."""
    parser = predict_parser(
        "Score images with the model in a folder. Writes scores.csv, maps/ (16-bit PNG on the common scale "
        "in scale.json) and overlays/ into the folder --output.",
    )
    settings = parse(parser, PREDICT, words)
    require_outside(require_output(settings.output, "FOLDER for the predictions"), settings.images)
    samples = [Sample(path) for path in find_images(settings.images)]
    with new_folder(settings.output, overwrite=settings.overwrite, marker=SCALE) as staging:
        pipeline = load(settings.model, device=settings.device, trust=settings.trust)
        batches = pipeline.read(samples, settings.batch_size, settings.workers, "Predicting")
        count = write_predictions(pipeline, batches, staging, _KINDS[settings.write])
    written = ("scores", *_KINDS[settings.write])
    listed = " and ".join(filter(None, (", ".join(written[:-1]), written[-1])))
    print(f"Scored {counted_images(count)}; {listed} are in {settings.output}")


def require_outside(output: Path, inputs: Iterable[Path]) -> None:
    """Check that the output is not inside an input.

    Raises:
        BadOutput: It is.
    """
    for path in inputs:
        if path.is_dir() and output.resolve().is_relative_to(path.resolve()):
            raise BadOutput(
                f'The output "{output}" is inside the input "{path}", where its maps would be taken for '
                "images the next time. Choose another output."
            )


def find_images(paths: Iterable[Path]) -> list[Path]:
    """Return the images in the files among the paths, and those below the folders among them, each once.

    Raises:
        BadImage: A path does not exist.
        BadData: A folder holds no images.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not (path.exists() or page_of(path).exists):
            raise BadImage(f'"{path}" does not exist.')
        found |= dict.fromkeys(list_images(path) if path.is_dir() else pages_of(path))
    return list(found)
