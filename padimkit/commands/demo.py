"""`padimkit demo`: the main job on synthetic images, without any download."""

from pathlib import Path

from jsonargparse import ArgumentError, ArgumentParser

from padimkit.commands import evaluate, fit, predict
from padimkit.errors import BadConfig
from padimkit.suggestions import explained

_CATEGORIES = ("texture", "object")


def run(words: list[str]) -> None:
    """Runs fit, evaluate and predict for both synthetic categories, and shows each command."""
    parser = ArgumentParser(
        prog="padimkit demo",
        exit_on_error=False,
        description="Fit PaDiM over the embedded filter bank on synthetic images of a texture and of an "
        "object, test it, and write images, models, metrics and anomaly maps. Images that an earlier run "
        "has made are used again; its results are replaced.",
    )
    parser.add_argument("--output", type=Path, default=Path("demo"), help="Folder for everything.")
    try:
        output = parser.parse_args(words).output
    except ArgumentError as error:
        raise BadConfig(explained(str(error), parser)) from error
    for category in _CATEGORIES:
        _run_category(output, category)
    print(f"\nLook at the anomaly maps in {output / _CATEGORIES[0] / 'predictions' / 'overlays'}")


def _run_category(output: Path, category: str) -> None:
    data, results = output / "data", output / category
    source = ["--data=synthetic", f"--data.root={data}", f"--data.category={category}"]
    model = str(results / "model")
    _show("fit", ["padim-filter-bank", *source, f"--output={model}"])
    _show("evaluate", [model, *source, f"--output={results / 'result.json'}"])
    _show("predict", [model, str(data / category / "test"), f"--output={results / 'predictions'}"])


def _show(command: str, words: list[str]) -> None:
    words = [*words, "--overwrite"]
    print(f"\n$ padimkit {command} {' '.join(words)}", flush=True)
    {"fit": fit.run, "evaluate": evaluate.run, "predict": predict.run}[command](words)
