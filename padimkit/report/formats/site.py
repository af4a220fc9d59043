"""Several studies as a static site: an index, and for each study its page and its records to download.

A format of its own: it is a folder, of which the page of a report is a part.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from padimkit.errors import BadArgument, BadData
from padimkit.report.formats.page import as_page, asset, templates
from padimkit.report.notation import USUAL, Notation
from padimkit.report.sections import SECTIONS, Section
from padimkit.report.study import Study, read_study, unique

STUDIES = "studies.json"  # the index for programs, which tells a folder to be a site
_RECORDS = "records.zip"


@dataclass(frozen=True)
class Listed:
    """A study in the index; sizes are in bytes.

    Args:
        name: That of its folder.
        suites: Names of its suites.
        methods: Names of its methods.
        datasets: Names of its data sets.
        finished: Number of cells with a result.
        failed: Number of cells that have failed.
        missing: Number of cells without a record.
        begun: The time at which its last cell began, in ISO 8601.
        page_bytes: Size of its page.
        records_bytes: Size of its packed records.
    """

    name: str
    suites: list[str]
    methods: list[str]
    datasets: list[str]
    finished: int
    failed: int
    missing: int
    begun: str
    page_bytes: int
    records_bytes: int

    @property
    def page(self) -> str:
        """The place of its page in the site."""
        return f"{self.name}/index.html"

    @property
    def records(self) -> str:
        """The place of its packed records in the site."""
        return f"{self.name}/{_RECORDS}"


def write_site(
    folders: Sequence[Path], site: Path, sections: Sequence[Section] = SECTIONS, notation: Notation = USUAL
) -> None:
    """Write the site of some folders of records into an empty folder; each is a study of the folder's name.

    Raises:
        BadArgument: Two folders have one name.
        BadData: A path is no folder of records, or a file in it is not a record.
    """
    listed = [_written(name, folder, site, sections, notation) for name, folder in _named(folders).items()]
    content = {"studies": [asdict(one) | {"page": one.page, "records": one.records} for one in listed]}
    (site / STUDIES).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    frame = {"studies": listed, "style": asset("page.css"), "version": version("padimkit")}
    index = templates().get_template("site.html").render(frame)
    (site / "index.html").write_text(index, encoding="utf-8", errors="backslashreplace")


def _named(folders: Iterable[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in folders:
        name = folder.resolve().name
        if name in found:
            raise BadArgument(
                f'"{found[name]}" and "{folder}" are both called "{name}", by which a site would name their '
                "studies. Rename one of them."
            )
        if not folder.is_dir():
            raise BadData(f'"{folder}" is not a folder. A site is made of folders of records.')
        found[name] = folder
    return found


def _written(name: str, folder: Path, site: Path, sections: Sequence[Section], notation: Notation) -> Listed:
    study = read_study([folder], notation)
    (site / name).mkdir()
    packed = site / name / _RECORDS
    _pack(folder, name, packed)
    shown = replace(study, entries=tuple(replace(e, file=Path(name, e.file.name)) for e in study.entries))
    page = as_page(shown, sections, beside={"All studies": "../index.html", "Records to download": _RECORDS})
    size = (site / name / "index.html").write_bytes(page.encode(errors="backslashreplace"))
    return _listed(name, study, size, packed.stat().st_size)


def _pack(folder: Path, name: str, packed: Path) -> None:
    """Write records and plans as a ZIP file, the same for the same records."""
    with ZipFile(packed, "w", ZIP_DEFLATED) as file:
        for path in sorted(folder.glob("*.json")):  # plans too, which are hidden
            file.writestr(ZipInfo(f"{name}/{path.name}"), path.read_bytes(), ZIP_DEFLATED)


def _listed(name: str, study: Study, page_bytes: int, records_bytes: int) -> Listed:
    return Listed(
        name,
        unique(entry.record.cell.suite for entry in study.entries),
        study.methods,
        study.datasets,
        len(study.entries) - len(study.failed),
        len(study.failed),
        len(study.missing),
        max(entry.record.begun for entry in study.entries),
        page_bytes,
        records_bytes,
    )
