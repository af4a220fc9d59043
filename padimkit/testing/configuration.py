"""The check that a part can be stored with a model: as settings in YAML, from which it is made again."""

from typing import Any

import yaml

from padimkit.arguments import alike, arguments
from padimkit.config import build_pipeline
from padimkit.contracts import Backbone, DensityModel, Reducer
from padimkit.description import describe
from padimkit.testing.check import Make, require

_SLOTS: dict[type[Any], str] = {Backbone: "backbone", Reducer: "reducer", DensityModel: "density"}
_OTHERS = {
    "backbone": "padimkit.backbones.pixels.Pixels",
    "reducer": "padimkit.reducers.identity.Identity",
    "density": "padimkit.densities.gaussian.Gaussian",
}


def can_be_written_down(make: Make) -> None:
    """Its class and arguments can be written to YAML and read back, as it is done with a stored model."""
    part = make()
    slot = next(slot for contract, slot in _SLOTS.items() if isinstance(part, contract))
    settings = describe(part)
    written = yaml.safe_dump({**_OTHERS, slot: settings})
    rebuilt = getattr(build_pipeline(yaml.safe_load(written)), slot)
    require(
        alike(rebuilt, part),
        f"Expected {settings} to be read back as it was written, found arguments {arguments(rebuilt)}.",
    )
