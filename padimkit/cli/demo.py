"""`padimkit demo`: the main jobs on synthetic images, without any download."""

from pathlib import Path

import yaml

from padimkit.cli import benchmark, evaluate, fit, predict, report
from padimkit.config.parser import new_parser, parse_words
from padimkit.files import new_file

_COMMANDS = {
    "fit": fit.run,
    "evaluate": evaluate.run,
    "predict": predict.run,
    "benchmark": benchmark.run,
    "report": report.run,
}
_CATEGORIES = ("texture", "object")
_RECIPE = "padim-filter-bank"
_METHODS: dict[str, dict[str, object]] = {
    "PaDiM-Rd30": {"reducer": "random_channels", "reducer.keep": 30},
    "PaDiM-PCA30": {"reducer": "pca", "reducer.keep": 30},
    "PaDiM, sum of layers": {"levels": "separate"},
    "SPADE": {"density": "spade", "density.image_neighbours": 5, "density.gallery_neighbours": 5},
}
_SMALL: dict[str, object] = {"preprocessing.resize": 128, "preprocessing.crop": 112}


def run(words: list[str]) -> None:
    """Fit, test and predict, then compare four methods and report; print each command before it runs."""
    parser = new_parser(
        "demo",
        description="On synthetic images of a texture and of an object: fit PaDiM over the embedded filter "
        "bank, test it and write anomaly maps; then compare PaDiM, with random channels, with principal "
        "components and as a sum of layers, and SPADE, and report on a page. Images and records of an "
        "earlier run are used again; its other results are replaced.",
    )
    parser.add_argument("--output", type=Path, default=Path("demo"), help="Folder for everything.")
    output = parse_words(parser, words).output
    _run_category(output, _CATEGORIES[0])
    _compare(output)
    print(f"\nLook at the anomaly maps in {output / _CATEGORIES[0] / 'predictions' / 'overlays'}")
    print(f"and at the comparison in {(output / 'report.html').absolute()}")


def _run_category(output: Path, category: str) -> None:
    data, results = output / "data", output / category
    source = ["--data=synthetic", f"--data.root={data}", f"--data.category={category}"]
    model = str(results / "model")
    _show("fit", [_RECIPE, *source, f"--output={model}", "--overwrite"])
    _show("evaluate", [model, *source, f"--output={results / 'result.json'}", "--overwrite"])
    images = str(data / category / "test")
    _show("predict", [model, images, f"--output={results / 'predictions'}", "--overwrite"])


def _compare(output: Path) -> None:
    data = {"class_path": "synthetic", "init_args": {"root": str(output / "data")}}
    suite = {
        "name": "demo",
        "pipelines": [
            {"recipe": _RECIPE, "name": name, "set": _SMALL | changes} for name, changes in _METHODS.items()
        ],
        "datasets": [data | {"categories": list(_CATEGORIES)}],
        "measure": ["quality", "time", "memory"],
        "repeats": 1,
    }
    file, records = output / "suite.yaml", output / "records"
    with new_file(file, overwrite=True) as staging:
        staging.write_text(yaml.safe_dump(suite, sort_keys=False))
    _show("benchmark", [str(file), f"--output={records}"])
    _show("report", [str(records), f"--output={output / 'report.html'}", "--overwrite"])


def _show(command: str, words: list[str]) -> None:
    print(f"\n$ padimkit {command} {' '.join(words)}", flush=True)
    _COMMANDS[command](words)
