"""Fits under a limit that the system enforces, in a process of their own."""

import subprocess
import sys

import pytest

FIT = """
import resource, sys, torch
from padimkit import Embedding, Gaussian

def batch(seed):
    return Embedding(torch.randn(8, 128, 56, 56, generator=torch.Generator().manual_seed(seed)))

def scored(gaussian):
    gaussian.fit(batch(seed) for seed in range(int(sys.argv[1])))
    return float(gaussian.score(batch(99)).patches.sum())

torch.set_num_threads(1)
small = Gaussian()
small.fit([Embedding(torch.randn(8, 16, 4, 4))])
small.score(Embedding(torch.randn(1, 16, 4, 4)))
budget, slack = 0.25, 0.02
taken = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData")) * 1024
limit = taken + int((budget + slack) * 1e9)
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))  # private memory; files that are mapped do not count
print(scored(Gaussian(memory_budget=budget)))
scored(Gaussian())
"""


@pytest.mark.parametrize("batches", [9, 18])  # fewer images than channels, and more
def test_a_fit_stays_within_its_budget_where_another_fails(batches):
    done = subprocess.run([sys.executable, "-c", FIT, str(batches)], capture_output=True, text=True)
    assert float(done.stdout) > 0, done.stderr
    assert done.returncode == 1 and "can't allocate memory" in done.stderr
