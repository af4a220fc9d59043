"""`padimkit demo`: the main jobs on synthetic images, without any download."""

from pathlib import Path

import yaml

from padimkit.cli import benchmark, evaluate, fit, predict, report
from padimkit.config.parser import new_parser, parse_words
from padimkit.files import new_file
from padimkit.registry.recipes import DEFAULT_RECIPE, recipes

_COMMANDS = {
    "fit": fit.run,
    "evaluate": evaluate.run,
    "predict": predict.run,
    "benchmark": benchmark.run,
    "report": report.run,
}
_CATEGORIES = ("texture", "object")
# Recipes by the names that they have in the comparison, and the changes that small images need.
_METHODS: dict[str, tuple[str, dict[str, object]]] = {
    "PaDiM": (DEFAULT_RECIPE, {}),
    "PaDiM, sum of layers": (DEFAULT_RECIPE, {"levels": "separate"}),
    "PaDiM, filter bank": ("padim-filter-bank", {}),
    "SPADE": ("spade-lite0", {"density.gallery_neighbours": 5}),
    "PatchCore": ("patchcore-lite0-1", {}),
}
_SMALL: dict[str, object] = {"preprocessing.resize": 128, "preprocessing.crop": 112}


def run(words: list[str]) -> None:
    """Fit, test and predict, then compare five methods and report; print each command before it runs."""
    parser = new_parser(
        "demo",
        description="On synthetic images of a texture and of an object: fit PaDiM over EfficientNet-Lite0, "
        "whose weights are installed, test it and write anomaly maps; then compare it with the sum of its "
        "layers, with PaDiM over the embedded filter bank, with SPADE and, where padimkit-patchcore is "
        "installed, with PatchCore, and report on a page. Images and records of an earlier run are used "
        "again; its other results are replaced.",
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
    _show("fit", [DEFAULT_RECIPE, *source, f"--output={model}", "--overwrite"])
    _show("evaluate", [model, *source, f"--output={results / 'result.json'}", "--overwrite"])
    images = str(data / category / "test")
    _show("predict", [model, images, f"--output={results / 'predictions'}", "--overwrite"])


def _compare(output: Path) -> None:
    data = {"class_path": "synthetic", "init_args": {"root": str(output / "data")}}
    suite = {
        "name": "demo",
        "pipelines": _pipelines(),
        "datasets": [data | {"categories": list(_CATEGORIES)}],
        "measure": ["quality", "time", "memory"],
        "repeats": 1,
    }
    file, records = output / "suite.yaml", output / "records"
    with new_file(file, overwrite=True) as staging:
        staging.write_text(yaml.safe_dump(suite, sort_keys=False), encoding="utf-8")
    _show("benchmark", [str(file), f"--output={records}"])
    _show("report", [str(records), f"--output={output / 'report.html'}", "--overwrite"])


def _pipelines() -> list[dict[str, object]]:
    """Return the entries of a suite for all methods whose recipes are installed; say which are not."""
    entries: list[dict[str, object]] = []
    for name, (recipe, changes) in _METHODS.items():
        if recipe in recipes():
            entries.append({"recipe": recipe, "name": name, "set": _SMALL | changes})
        else:
            print(f"\n{name} is left out: no installed package has the recipe {recipe}.")
    return entries


def _show(command: str, words: list[str]) -> None:
    print(f"\n$ padimkit {command} {' '.join(words)}", flush=True)
    _COMMANDS[command](words)
