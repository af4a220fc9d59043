"""Finished, failed and missing cells, warnings, and protocols.

A section of its own, named by its template and by the list of sections.
"""

from typing import Any

from padimkit.report.protocols import warnings
from padimkit.report.sections.environments import mixed_environments
from padimkit.report.study import Study
from padimkit.report.tables import Table

name = "summary"
title = "Summary"


def build(study: Study) -> dict[str, Any]:
    """Return the warnings; everything else that the summary shows is in the study."""
    return {"warnings": [*warnings(study.entries), *mixed_environments(study)]}


def tables(study: Study) -> tuple[Table, ...]:
    """Return none: every format begins with a summary of its own."""
    return ()
