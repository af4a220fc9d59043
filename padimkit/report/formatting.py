"""Numbers as people read them."""

from collections.abc import Iterable
from dataclasses import dataclass

from padimkit.benchmark import record as recorded
from padimkit.benchmark.record import Record

_PREFIXES = {
    "s": ((1, "s"), (1e-3, "ms"), (1e-6, "µs")),
    "B": ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")),
}

EXPONENT_DIGITS = 2


@dataclass(frozen=True)
class Cost:
    """A time or a size in a record; lower is better.

    Args:
        kind: "seconds" or "bytes", the field of the record that holds it.
        name: Its key there; a last word N stands for the highest number above 1 that was measured.
        label: Name for readers.
    """

    kind: str
    name: str
    label: str

    @property
    def unit(self) -> str:
        return "s" if self.kind == "seconds" else "B"

    def of(self, record: Record) -> float | None:
        """Return the size or the median time; None if it was not measured."""
        if self.kind == "seconds":
            spread = record.seconds.get(_largest(self.name, record.seconds))
            return None if spread is None else spread.median
        size = record.bytes.get(self.name)
        return None if size is None else float(size)

    def by_process(self, record: Record) -> tuple[float, ...]:
        """Return the median of each process that has measured the time; none for a size."""
        name = _largest(self.name, record.seconds)
        return tuple(
            process.seconds[name]
            for process in record.processes
            if self.kind == "seconds" and name in process.seconds
        )

    def all_of(self, record: Record) -> tuple[float, ...]:
        """Return all measurements of it where the record has them, else the size or the median time."""
        repeats = record.repeats.get(self.name, ()) if self.kind == "seconds" else ()
        value = self.of(record)
        return repeats or (() if value is None else (value,))

    def predicted(self, record: Record) -> float | None:
        """Return what formulas predict; None where there are none."""
        return record.predicted.get(self.name)

    def text(self, value: float) -> str:
        """Return the value in the unit that suits it."""
        return quantity(value, self.unit)

    def range_text(self, limits: tuple[float, float]) -> str:
        """Return the limits of a range as text."""
        return " to ".join(map(self.text, limits))


ONE = Cost("seconds", recorded.of_batch(recorded.PREDICT, 1), "time per image, one at a time")
LATENCY = Cost("seconds", recorded.LATENCY, "time from file to map, one image")
MANY = Cost("seconds", f"{recorded.PREDICT} N", "time per image, in batches")
SCORE_ONE = Cost("seconds", recorded.of_batch(recorded.SCORE, 1), "density's time per image, one at a time")
SCORE_MANY = Cost("seconds", f"{recorded.SCORE} N", "density's time per image, in batches")
FIT = Cost("seconds", recorded.FIT, "time of the fit")
PREPARE = Cost("seconds", recorded.PREPARE, "preparation of scoring in the fit")
CALIBRATION = Cost("seconds", recorded.CALIBRATION, "time of the calibration")
DENSITY_FIT = Cost("seconds", recorded.DENSITY_FIT, "density's time of the fit")
PEAK = Cost("bytes", recorded.PEAK, "peak memory of the process")
PEAK_OWN = Cost("bytes", recorded.PEAK_OWN, "peak memory without imports")
PEAK_FIT = Cost("bytes", recorded.PEAK_FIT, "peak memory of the fit")
PEAK_PREDICT = Cost("bytes", recorded.PEAK_PREDICT, "peak memory of the prediction")
MODEL = Cost("bytes", recorded.MODEL, "model, as stored")
FITTED = Cost("bytes", recorded.FITTED, "model, as stored, without backbone")
HELD = Cost("bytes", recorded.HELD, "model, held while scoring")
DISK = Cost("bytes", recorded.DISK, "model on disk")
DEVICE = Cost("bytes", recorded.DEVICE, "peak memory of the device")


def quality(value: float) -> str:
    """Return the height of a curve to four digits; metric values have a notation."""
    return f"{value:.4f}"


def exponent(value: float) -> str:
    """Return an exponent of growth to two decimals, without negative zeros."""
    return f"{round(value, EXPONENT_DIGITS) + 0.0:.{EXPONENT_DIGITS}f}"


def ratio(value: float) -> str:
    """Return a ratio to three digits."""
    return _three(value)


def quantity(value: float, unit: str) -> str:
    """Return a time or a size in the unit that suits it, to three digits: 0.0123 s is 12.3 ms."""
    for factor, name in _PREFIXES[unit]:
        if abs(value) >= factor:
            return f"{_three(value / factor)} {name}"
    factor, name = _PREFIXES[unit][-1] if unit == "s" else (1.0, "B")
    return f"{_three(value / factor)} {name}"


def _largest(name: str, known: Iterable[str]) -> str:
    """Return the name with a number in place of its N: "predict 8" for "predict N"."""
    stem, _, last = name.rpartition(" ")
    if last != "N":
        return name
    numbers = [
        int(end)
        for start, _, end in (key.rpartition(" ") for key in known)
        if start == stem and end.isdigit()
    ]
    return f"{stem} {max([number for number in numbers if number > 1], default='N')}"


def _three(value: float) -> str:
    return (
        f"{value:.0f}" if abs(value) >= 99.95 else f"{value:.1f}" if abs(value) >= 9.995 else f"{value:.2f}"
    )
