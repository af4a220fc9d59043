"""`padimkit fit`: learn from normal images and store the model.

A command of its own: `main` imports it by name when it is called.
"""

import time

from padimkit.cli.progress import logs_shown
from padimkit.config.parser import FIT, fit_parser, parse, recipe_as_option
from padimkit.errors import BadConfig
from padimkit.files import new_folder
from padimkit.storage import MANIFEST, write_model


def run(words: list[str]) -> None:
    """Fit the pipeline on the training images of the data and write a model folder."""
    parser = fit_parser("Learn from normal images and store the model in the folder --output.")
    settings = parse(parser, FIT, recipe_as_option(words))
    if settings.output is None:
        raise BadConfig('"output" is missing: pass --output FOLDER for the model.')
    made = parser.instantiate(settings)
    start = time.perf_counter()
    with new_folder(made.output, overwrite=made.overwrite, marker=MANIFEST) as staging:
        made.pipeline.to(made.device)
        with logs_shown(made.pipeline):
            made.pipeline.fit(made.data.train(), batch_size=made.batch_size, workers=made.workers)
        write_model(made.pipeline, staging)
    print(f"Fitted in {time.perf_counter() - start:.1f} s; the model is in {made.output}")
