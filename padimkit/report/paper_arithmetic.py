"""What the PaDiM paper counts as the bytes of a model, as Markdown."""

from collections.abc import Iterator

from padimkit.benchmark.paper_bytes import PaperBytes, table8
from padimkit.benchmark.published import published
from padimkit.report.markdown import escaped

TABLES = (7, 8)  # of time and of memory: the models are the same


def arithmetic() -> Iterator[str]:
    """Lines: for each cell of Table VIII what is learnt, that and the whole network, and what is printed."""
    printed = {(cell.method, cell.data): cell.value for cell in published(8)}
    yield "\nThe paper's own arithmetic of bytes (Table VIII), in GB of 1e9 bytes, float32:\n"
    yield "| method | data | Gaussians or features | with the whole backbone | printed | which counts |"
    yield "|---|---|---:|---:|---:|---|"
    for found in table8():
        yield f"| {' | '.join(_cells(found, printed.pop((found.method, found.data))))} |"
    for method, data in printed:
        where = f"{escaped(method)} on {escaped(data)}"
        yield f"\nToo little is known of {where} to compute its {printed[method, data]:g} GB."


def _cells(found: PaperBytes, printed: float) -> Iterator[str]:
    yield from (escaped(found.method), escaped(found.data))
    yield from (f"{size / 1e9:.3f}" for size in (found.learnt, found.learnt + found.backbone))
    yield f"{printed:g}"
    yield "with the backbone" if found.with_backbone else "without"
