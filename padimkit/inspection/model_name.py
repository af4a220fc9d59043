"""The name of a model in results, which tells apart what gives other scores.

Apart from the hash of a stored model, which may compute in several ways.
"""

from pathlib import Path

from padimkit.files import file_digest

_SHOWN = 16  # digits of the hash of a file: enough to tell those of one model apart


def in_another_precision(digest: str, precision: str) -> str:
    """Return the name of a stored model that computes in another precision than it was stored for."""
    return f"{digest}+{precision}"


def exported(digest: str | None, path: Path, precision: str) -> str:
    """Return the name of an exported model: that of the stored one, its format and precision, and its files.

    Raises:
        OSError: A file cannot be read.
    """
    beside = (path.with_suffix(".bin"), path.with_name(f"{path.name}.data"))  # as OpenVINO and ONNX have them
    digests = [file_digest(one)[:_SHOWN] for one in (path, *beside) if one.is_file()]
    return "-".join([f"{digest or ''}+{path.suffix.lower()[1:]}", precision, *digests])


def stored(name: str) -> str:
    """Return the hash of the stored model in a name."""
    return name.partition("+")[0]
