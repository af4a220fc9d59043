"""The verdicts on images, and the names of the rates at which they are wrong.

Apart from calibrations, which need torch: records and reports name verdicts only.
"""

from enum import Enum
from typing import final

FALSE_ALARMS = "false_alarms"
MISSES = "misses"


@final
class Verdict(Enum):
    """A decision on one image: good, to be looked at by a person, anomalous, or not possible."""

    OK = "OK"
    REVIEW = "REVIEW"
    NG = "NG"
    ERROR = "ERROR"
