"""Files of outputs, and files that installed packages offer.

Plugins may import the names here: they write a file or a folder completely or not at all.
"""

from padimkit.files.outputs import file_digest, new_file, new_files, new_folder, only_holder

__all__ = ["file_digest", "new_file", "new_files", "new_folder", "only_holder"]
