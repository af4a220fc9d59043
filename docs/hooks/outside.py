"""Pages outside docs/ are pages of the site too, and links between any two hold as in the repository."""

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
    """Adds them, below the folder `repository` of the site."""
    root = Path(config.config_file_path).parent
    for path in sorted(path for pattern in OUTSIDE for path in root.glob(pattern)):
        uri = f"repository/{path.relative_to(root).as_posix()}"
        files.append(File.generated(config, uri, abs_src_path=normpath(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turns links to where a page lies in the repository into links to where it lies in the site."""
    uris = {file.abs_src_path: file.src_uri for file in files}
    return TARGET.sub(lambda target: _in_the_site(target[0], page.file, uris), markdown)


def _in_the_site(target: str, file: File, uris: dict[str | None, str]) -> str:
    uri = uris.get(normpath(Path(str(file.abs_src_path)).parent / target))
    # What is no page is left as it is, for MkDocs to warn of.
    return posixpath.relpath(uri, posixpath.dirname(file.src_uri)) if uri else target
