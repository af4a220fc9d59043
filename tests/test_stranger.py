"""A stranger's package with nothing but an entry point: listed, configured by short name, evaluated."""

import json
import re
import subprocess
import sys
import textwrap

PLUGIN = """
    from padimkit.contracts import DensityModel
    from padimkit.arguments.stored_state import require_state
    from padimkit.values import Scores

    class FarFromMean(DensityModel):
        def __init__(self, power: int = 2):
            self.power = power

        def fit(self, stream):
            total = count = 0
            for embedding in stream:
                total = total + embedding.patches.sum(0)
                count += embedding.patches.shape[0]
            self._mean = total / count

        def score(self, embedding):
            return Scores((embedding.patches - self._mean).abs().pow(self.power).sum(1))

        def state_dict(self):
            return {"mean": self._mean}

        def load_state_dict(self, state):
            require_state(self, state, mean="float channels height width")
            self._mean = state["mean"]
"""

PROJECT = """
    [build-system]
    requires = ["hatchling"]
    build-backend = "hatchling.build"

    [project]
    name = "stranger-density"
    version = "3.1"
    dependencies = ["padimkit"]

    [project.entry-points."padimkit.densities"]
    far_from_mean = "stranger_density:FarFromMean"
"""


def test_a_package_from_a_scratch_folder_is_used_by_its_short_name(stripes, tmp_path):
    scratch, site = tmp_path / "scratch", tmp_path / "site"
    scratch.mkdir()
    (scratch / "stranger_density.py").write_text(textwrap.dedent(PLUGIN))
    (scratch / "pyproject.toml").write_text(textwrap.dedent(PROJECT))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(site), str(scratch)], check=True, capture_output=True)

    def padimkit(*words):
        start = "import runpy; runpy.run_module('padimkit', None, '__main__', True)"
        code = f"import sys; sys.path.append({str(site)!r}); {start}"
        command = [sys.executable, "-c", code, *map(str, words)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert re.search(r"far_from_mean\s+stranger-density", padimkit("plugins"))
    settings = tmp_path / "settings.yaml"
    settings.write_text(
        "pipeline:\n"
        "  backbone: pixels\n"
        "  reducer: identity\n"
        "  density: {class_path: far_from_mean, init_args: {power: 1}}\n"
        "  preprocessing: {resize: 32, crop: 28}\n"
        f"data: {{class_path: mvtec, init_args: {{root: {stripes}, category: stripes}}}}\n"
    )
    padimkit("evaluate", settings, f"--output={tmp_path / 'result.json'}")
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["metrics"]["image_auroc"] == 1
    assert result["config"]["pipeline"]["density"]["class_path"] == "far_from_mean"
    assert {"stranger-density"} == {
        p["distribution"] for p in result["plugins"] if p["name"] == "far_from_mean"
    }
    padimkit("fit", settings, f"--output={tmp_path / 'model'}")
    padimkit("predict", tmp_path / "model", stripes, f"--output={tmp_path / 'out'}")
