"""The verdicts in records, in words: counts with exact limits, and the rates that thresholds promise."""

from collections.abc import Iterable

from padimkit.benchmark.record import FALSE_ALARMS, MISSES, Record
from padimkit.inspection.quality import Rate, rate


def rate_of(record: Record, metric: str) -> Rate | None:
    """Return the counts of a metric value, with exact limits; None if it is not a rate of verdicts."""
    found = record.verdicts
    if found is None or metric not in record.metrics:
        return None
    counts = {FALSE_ALARMS: (found.false_alarms, found.normal), MISSES: (found.misses, found.anomalous)}
    return rate(*counts[metric]) if metric in counts else None


def counted(record: Record, metric: str) -> str:
    """Return count, total and limits in words; empty if the metric value is not a rate of verdicts."""
    found = rate_of(record, metric)
    if found is None:
        return ""
    return f"{found.count} of {found.total}; 95% interval {found.lower:.1%} to {found.upper:.1%}"


def promise(records: Iterable[Record], metric: str) -> str:
    """Return the rates that thresholds promise, in words; empty if the metric is not a rate of verdicts."""
    if metric not in (FALSE_ALARMS, MISSES):
        return ""
    found = sorted({record.verdicts.promised for record in records if record.verdicts is not None})
    if not found:  # a metric of this name that a suite without verdicts has measured
        return ""
    shown = list(dict.fromkeys(f"{one:.2%}" for one in (found[0], found[-1])))
    return f"thresholds promise at most {' to '.join(shown)} false alarms"
