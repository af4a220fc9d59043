"""The description of padimkit in package indexes, made when it is built."""

import re
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface


class Readme(MetadataHookInterface):
    """README.md without what an index cannot show: paths within the repository, which lead nowhere there."""

    def update(self, metadata):
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": for_index(text)}


def for_index(text):
    """The text with links to the web alone: others are plain words, and pictures from paths are left out."""
    text = re.sub(r"!\[[^]]*\]\((?!https://)[^)]*\)\n+(\*[^*\n]+\*\n+)?", "", text)  # with their captions
    return re.sub(r"\[([^]]+)\]\((?!https://)[^)]*\)", r"\1", text)
