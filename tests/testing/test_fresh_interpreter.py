"""What can only be seen where neither pytest nor beartype is loaded."""

import json
import subprocess
import sys

SCRIPT = """
import json, random, sys
sys.modules["pytest"] = None  # an import of it fails
from padimkit.contracts import DensityModel
from padimkit.densities.gaussian import Gaussian
from padimkit.testing import outcomes

class Draws(Gaussian):
    def score(self, embedding):
        random.random()
        return super().score(embedding)

failed = {o.check.name: o.reason for o in outcomes(DensityModel, Draws) if o.verdict == "failed"}
print(json.dumps({"failed": failed, "beartype": "beartype" in sys.modules}))
"""


def test_without_pytest_draws_from_pythons_generator_are_all_that_is_found():
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    found = json.loads(run.stdout)
    assert not found["beartype"]
    assert found["failed"].keys() == {"leaves_global_random_state_alone"}
    assert "that of random changed during use" in found["failed"]["leaves_global_random_state_alone"]
