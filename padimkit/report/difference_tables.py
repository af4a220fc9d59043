"""Tables of differences between methods: by Student's t, and by signed ranks."""

from padimkit.report import links
from padimkit.report.differences import Difference
from padimkit.report.margins import Margin, Margins
from padimkit.report.notation import Notation
from padimkit.report.protocols import Protocol, mixture
from padimkit.report.scoreboards import Scoreboard
from padimkit.report.signed_ranks import Belief
from padimkit.report.study import Study
from padimkit.report.tables import ABSENT, Datum, Table


def differences(board: Scoreboard, found: Margins | None, study: Study) -> Table | None:
    """Return each method minus the best, with limits that hold for all pairs of methods at once."""
    if found is None:
        return None
    several = _DESIGNS[found.design]
    head = ("method", "protocol", "difference", "95 % interval", "p", several, f"{several} for half a point")
    rows = tuple(_difference(margin, found, study) for margin in found.margins)
    metric = study.notation.caption(f"{board.metric}, {board.dataset}, minus that of {found.best.method}")
    notes = (*mixture(board.protocols, study.letters), *_cautions(board, found))
    return Table(f"{metric}; {_pairing(found)}", head, rows, notes, explained=(_SIMULTANEOUS,))


_DESIGNS = {
    "categories": "categories",
    "seeds": "pairs of seeds",
    "draws": "pairs of seeds",
    "images": "seeds",
}
_SIMULTANEOUS = (
    "Limits and p-values hold for all pairs of methods at once (Bonferroni, Holm), whichever is the best. "
    "The last column: how many of them Student's test needs to find half a point in four of five cases."
)


def _pairing(found: Margins) -> str:
    if found.design == "categories":
        return "pairs are categories, intervals are about others like these"
    if found.design == "seeds":
        return "pairs are seeds, which the data were drawn by"
    images = f"other images than these {found.images}" if found.images else ""
    others = f"and {images}" if images else "on the same test images"
    if found.design == "draws":
        return f"pairs are seeds, which the training images were drawn by, {others}"
    if len(found.single) == len(found.margins) + 1:
        single = "no seeds" if all(row.seedless for row in found.single) else "single seeds"
        return f"{single}, intervals are about {images}" if images else f"{single}, the same test images"
    return f"seeds are not pairs, intervals are about other seeds {others}"


def _cautions(board: Scoreboard, found: Margins) -> tuple[str, ...]:
    notes = []
    if found.design in ("draws", "images") and not found.images:
        notes.append(
            f"The test images are held fixed: the records do not tell their influence on {board.metric}."
        )
    once = [row.method for row in found.single if not row.seedless]
    if once:
        notes.append(f"A single seed: {', '.join(once)}. How much they vary over seeds is in no interval.")
    if any(margin.found is None for margin in found.margins):
        notes.append("Without an interval: cannot tell, since nothing shows how much the difference varies.")
    return tuple(notes)


def _difference(margin: Margin, found: Margins, study: Study) -> tuple[Datum, ...]:
    target, protocol = links.of_row(margin.row), margin.row.protocol
    return (
        Datum(margin.row.method, target=target),
        Datum(study.letters[protocol], note="another protocol" if protocol != found.best.protocol else ""),
        Datum(study.notation.difference(margin.difference), margin.difference, target),
        *_limits(margin.found, study.notation),
        _count(margin, found),
        ABSENT if margin.needed is None else Datum(str(margin.needed), float(margin.needed)),
    )


def _count(margin: Margin, found: Margins) -> Datum:
    if margin.row.seedless and margin.row in found.single:
        return Datum(ABSENT.text, note="no seed")
    return Datum(str(margin.count), float(margin.count))


def _limits(found: Difference | None, notation: Notation) -> tuple[Datum, Datum]:
    if found is None:
        return ABSENT, ABSENT
    interval = f"{notation.difference(found.lower)} to {notation.difference(found.upper)}"
    error, degrees = notation.value(found.estimate.error), found.estimate.degrees
    note = f"alone: standard error {error}, {degrees:.1f} degrees of freedom"
    return Datum(interval, found.lower, note=note), Datum(_probability(found.p_value), found.p_value)


def _probability(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def signed_ranks(board: Scoreboard, found: Margins | None, letters: dict[Protocol, str]) -> Table | None:
    """Return Wilcoxon's tests and Bayesian signed ranks, from five pairs on."""
    if found is None:
        return None
    rows = tuple(
        (
            Datum(margin.row.method, target=links.of_row(margin.row)),
            Datum(letters[margin.row.protocol]),
            Datum(_probability(margin.p_value), margin.p_value),
            *_told(board, margin.belief),
        )
        for margin in found.margins
        if margin.p_value is not None
    )
    head = ("method", "protocol", "Wilcoxon p", "worse", "within half a point", "better")
    against = f"{board.metric}, {board.dataset}, against {found.best.method}"
    caption = f"{against}, by signed ranks over {_DESIGNS[found.design]}"
    explained = (
        "Wilcoxon's p-values are adjusted for all pairs of methods (Holm). The last three are the "
        "probabilities of the Bayesian signed-rank test (Benavoli et al. 2017)."
    )
    notes = mixture(board.protocols, letters)
    return Table(caption, head, rows, notes, explained=(explained,)) if rows else None


def _told(board: Scoreboard, belief: Belief | None) -> tuple[Datum, ...]:
    if belief is None:
        return (Datum(ABSENT.text, note="the same in all pairs: cannot tell"),) * 3
    low, high = belief.worse, belief.better
    ordered = (low, belief.equal, high) if board.sign > 0 else (high, belief.equal, low)
    return tuple(Datum(f"{one:.3f}", one) for one in ordered)
