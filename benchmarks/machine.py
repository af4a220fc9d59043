"""The machine and the programs that were measured, as records name them."""

import os
import platform
from importlib.metadata import distributions
from pathlib import Path

PACKAGES = (
    "padimkit",
    "anomalib",
    "torch",
    "torchvision",
    "timm",
    "numpy",
    "scipy",
    "scikit-learn",
    "lightning",
)


def describe() -> dict[str, str | int | float]:
    """Return processor, cores, memory and system."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """Return the versions of those of `PACKAGES` that this interpreter has."""
    found = {distribution.name.lower(): distribution.version for distribution in distributions()}
    return {name: found[name] for name in PACKAGES if name in found}


def _processor() -> str:
    facts = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in facts if line.startswith("model name")]
    return names[0] if names else platform.machine()
