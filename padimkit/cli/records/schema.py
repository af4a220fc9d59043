"""`padimkit records schema`: the JSON schema of a record, for programs that are not padimkit.

A subcommand of its own: it is found by its name when it is called.
"""

import json

from padimkit.benchmark.schema import record_schema
from padimkit.config.options import PlainParser


def run(words: list[str]) -> None:
    """Print the schema."""
    PlainParser(prog="padimkit records schema", description="Print the JSON schema of a record.").parse_args(
        words
    )
    print(json.dumps(record_schema(), indent=2))
