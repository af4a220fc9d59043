"""Measured times, and the state of the machine around each process that has measured some."""

from dataclasses import dataclass

_DRIFT = 0.1  # of the kernel, beyond which times of a process are not to be trusted


@dataclass(frozen=True)
class Spread:
    """The spread of a quantity that was measured several times.

    Args:
        median: Of all measurements.
        lower: Their lower quartile.
        upper: Their upper quartile.
        count: Their number.
    """

    median: float
    lower: float
    upper: float
    count: int


@dataclass(frozen=True)
class Conditions:
    """The state of a machine at one moment.

    Args:
        product: Seconds that a fixed matrix product takes.
        memory: Seconds that a fixed pass through memory takes.
        load: Mean number of programs that wanted to run in the last minute; None where it is not known.
        frequency: Mean frequency of the processors in MHz; None where it is not known.
    """

    product: float
    memory: float
    load: float | None = None
    frequency: float | None = None

    def __post_init__(self) -> None:
        if not (self.product > 0 and self.memory > 0):
            found = f"{self.product} s and {self.memory} s"
            raise TypeError(f'"record.processes" has a kernel of {found}, times above 0 were expected')


@dataclass(frozen=True)
class TimedProcess:
    """One of the processes that have measured the times of a cell.

    Args:
        seconds: Its medians, by their names in the record.
        before: The machine before it.
        after: The machine after it.
        stolen: The share of the processors' time that other virtual machines took meanwhile; None where it
            is not known.
        tries: Number of processes until one was not disturbed; the least disturbed one counts.
    """

    seconds: dict[str, float]
    before: Conditions
    after: Conditions
    stolen: float | None = None
    tries: int = 1

    @property
    def drift(self) -> float:
        """The change of the machine's speed meanwhile, by the kernel: 0.1 for 10 %, whether up or down."""
        pairs = ((self.before.product, self.after.product), (self.before.memory, self.after.memory))
        return max(max(pair) / min(pair) for pair in pairs) - 1

    @property
    def is_disturbed(self) -> bool:
        """True if the machine's speed has changed by more than 10 %."""
        return self.drift > _DRIFT
