"""The output that a command cannot do without."""

from pathlib import Path

from padimkit.errors import BadConfig


def require_output(output: Path | None, what: str) -> Path:
    """Return the output; `what` says in the message what to pass, such as "FOLDER for the model".

    Raises:
        BadConfig: None is given.
    """
    if output is None:
        raise BadConfig(f'"output" is missing: pass --output {what}.')
    return output
