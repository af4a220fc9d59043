"""Recipes that cannot be used, found by reading their settings without making a pipeline of them.

Apart from the list of plugins, which imports this, and with it torch, only where it is to try everything.
"""

from collections.abc import Iterator, Mapping

from padimkit.config.build import resolved
from padimkit.config.yaml_file import read_yaml
from padimkit.errors import PadimkitError
from padimkit.files.packages import offered_files
from padimkit.registry.recipes import GROUP


def faults() -> Iterator[tuple[str, str, str, str]]:
    """Yield name, distribution, version and fault of each installed recipe that cannot be used."""
    for path, offer in sorted(offered_files(GROUP), key=lambda pair: (pair[0].stem, pair[1].distribution)):
        try:
            settings = read_yaml(path)
            if not isinstance(settings.get("pipeline"), Mapping):
                yield path.stem, offer.distribution, offer.version, 'It has no section "pipeline".'
                continue
            resolved({"data": "synthetic"} | settings, {})  # recipes leave the data open
        except PadimkitError as error:
            yield path.stem, offer.distribution, offer.version, str(error)
