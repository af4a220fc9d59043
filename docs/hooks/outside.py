"""Pages outside docs/ as pages of the site, with links that lead where they lead in the repository."""

import posixpath
import re
from os.path import normpath
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

OUTSIDE = ("CHANGELOG.md", "benchmarks/README.md", "plugins/README.md", "plugins/padimkit-*/README.md")
TARGET = re.compile(r"(?<=\]\()[^)#:\s]+")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages, below the folder `repository` of the site."""
    root = Path(config.config_file_path).parent
    for path in sorted(path for pattern in OUTSIDE for path in root.glob(pattern)):
        uri = f"repository/{path.relative_to(root).as_posix()}"
        files.append(File.generated(config, uri, abs_src_path=normpath(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links to the place of a page in the repository into links to its place in the site."""
    uris = {file.abs_src_path: file.src_uri for file in files}
    return TARGET.sub(lambda target: _in_the_site(target[0], page.file, uris), markdown)


def _in_the_site(target: str, file: File, uris: dict[str | None, str]) -> str:
    uri = uris.get(normpath(Path(str(file.abs_src_path)).parent / target))
    # A target that is not a page is left as it is, so that MkDocs warns.
    return posixpath.relpath(uri, posixpath.dirname(file.src_uri)) if uri else target
