"""Distributions of strangers, made for tests."""

import textwrap


def install_into(site, distribution, entry_points, modules=None, group="padimkit.reducers", requires=()):
    """Write a distribution with entry points into a folder, as pip would."""
    info = site / f"{distribution.replace('-', '_')}-1.5.dist-info"
    info.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {distribution}", "Version: 1.5"]
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    (info / "METADATA").write_text("\n".join(lines) + "\n")
    entries = "\n".join(f"{name} = {value}" for name, value in entry_points.items())
    (info / "entry_points.txt").write_text(f"[{group}]\n{entries}\n")
    for name, source in (modules or {}).items():
        (site / f"{name}.py").write_text(textwrap.dedent(source))
