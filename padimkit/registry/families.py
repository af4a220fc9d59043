"""The families of plugins, listed once: another is a row here, its contract, its checks and its template."""

import importlib
from dataclasses import dataclass
from typing import Any

from padimkit.errors import BadArgument, did_you_mean


@dataclass(frozen=True)
class Family:
    """A kind of part that plugins provide.

    Args:
        plural: Names the group of its entry points, `padimkit.<plural>`.
        singular: Names one plugin of it, for people.
        contract: Names the class that its plugins subclass.
        version: Of the contract; plugins for another stand in the group `padimkit.<plural>.v<version>`.
        module: Defines the contract: that of all parts of a pipeline, or one above them.
    """

    plural: str
    singular: str
    contract: str  # by name: the class needs torch, which takes longer to import than plugins to list
    version: int = 1
    module: str = "padimkit.contracts"

    def load_contract(self) -> type[Any]:
        """Return the contract, imported."""
        contract: type[Any] = getattr(importlib.import_module(self.module), self.contract)
        return contract


FAMILIES = (
    Family("backbones", "backbone", "Backbone"),
    Family("reducers", "reducer", "Reducer"),
    Family("densities", "density", "DensityModel"),
    Family("metrics", "metric", "Metric"),
    Family("datasets", "dataset", "DataSource"),
    Family("levels", "levels", "Levels"),
    Family("maps", "map", "Mapper"),
    Family("preprocessors", "preprocessor", "Preprocessor"),
    Family("sections", "section", "ReportSection", module="padimkit.report.section"),
    Family("exporters", "exporter", "Exporter", module="padimkit.service.exporting.exporter"),
)


def find_family(word: str) -> Family:
    """Return the family of this name, in the plural or the singular.

    Raises:
        BadArgument: There is none; near misses are named.
    """
    for family in FAMILIES:
        if word in (family.plural, family.singular):
            return family
    known = [family.singular for family in FAMILIES]
    raise BadArgument(f'There is no family "{word}".{did_you_mean(word, known)}')
