"""Columns of a record's metrics, in tables that hold its other numbers too.

It stands alone because rows, frames, curves and trackers all put both beside each other: one place keeps them
apart, whatever name a plugin gives its metric.
"""

FIXED = frozenset(
    [
        *("key", "suite", "method", "dataset", "category", "seed", "group", "protocol", "file"),
        *("state", "cause", "stage", "message", "interrupted"),
        *("fingerprint", "train_images", "test_images", "anomalous_images", "files", "images_learnt"),
        *("flops", "invisible", "begun", "took", "processes"),
        *("image", "anomalous", "score", "roc"),
    ]
)
_FIRST = frozenset(
    {"varied", "verdicts", "influence", "metric", "processes", "speed"}
)  # words of composed names
_LATER = frozenset({"seconds", "bytes", "undefined"})


def column_of(metric: str) -> str:
    """Return the column of a metric: its name, or "metric NAME" where another column may have that name."""
    first, *later = metric.split(" ")
    taken = metric in FIXED or (later and first in _FIRST) or _LATER.intersection(later)
    return f"metric {metric}" if taken else metric
