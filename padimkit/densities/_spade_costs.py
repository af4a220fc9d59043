"""The costs of SPADE as formulas of sizes.

Apart from the density, since they need no embeddings.
"""

from padimkit.values import Costs, Problem, Work

_FLOAT = 4  # bytes


def spade_costs(problem: Problem, *, gallery_neighbours: int) -> Costs:
    """Return the costs of the exact search over layers that are aligned.

    Layers that keep their own resolution take less, and so do other indexes.
    """
    values = problem.channels * problem.positions
    pairs = gallery_neighbours * problem.positions**2
    descriptors = problem.images * problem.descriptor
    gallery = _FLOAT * (problem.images * values + descriptors)
    return Costs(
        fit=Work(moved=4 * gallery),  # gathered in the order of the gallery, and copied
        prepare=Work(),
        use=Work(
            single=2 * pairs * problem.channels + 2 * descriptors,
            # Of each pair a product is written, and read to find the smallest; descriptors are copied.
            moved=_FLOAT * (2 * pairs + (gallery_neighbours + 1) * values + 3 * descriptors),
        ),
        held=gallery,
        stored=gallery,
    )
