"""What can only be seen where neither pytest nor beartype is loaded."""

import json
import subprocess
import sys

import pytest

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

def failed(make):
    return {o.check.name: o.reason for o in outcomes(DensityModel, make) if o.verdict == "failed"}

found = {"Gaussian": failed(Gaussian), "Draws": failed(Draws), "beartype": "beartype" in sys.modules}
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found():
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def test_the_checks_need_no_pytest(found):
    assert found["Gaussian"] == {}


def test_draws_from_pythons_generator_are_found(found):
    assert not found["beartype"]
    assert found["Draws"].keys() == {"leaves_global_random_state_alone"}
    assert "that of random changed during use" in found["Draws"]["leaves_global_random_state_alone"]
