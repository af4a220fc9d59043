"""Files that have an end, unlike pipes and devices, which an archive of a stranger may hold as well.

Apart from those who read them, which are in most rooms.
"""

import errno
from pathlib import Path


def regular(path: Path) -> Path:
    """Return the path, unless it is that of a pipe or a device, for whose content one would wait.

    Raises:
        OSError: It is one.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EINVAL, "it is a pipe or a device, not a file", str(path))
    return path
