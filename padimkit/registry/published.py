"""Our own distributions of plugins, by the names that they bring, for errors where they are not installed."""

import re
from importlib.metadata import PackageNotFoundError, distribution

_PUBLISHED = {
    "patchcore": "padimkit-patchcore",
    "semi_orthogonal": "padimkit-semiorthogonal",
    "vae": "padimkit-vae",
}


def to_install(name: str) -> str:
    """Return a sentence that says what to install for a plugin or a recipe; empty if that is not known."""
    provider, colon, short = name.rpartition(":")
    known = provider if colon else next((d for n, d in _PUBLISHED.items() if _is_of(short, n)), "")
    if not re.fullmatch(r"\w[\w.-]+", known) or "/" in short or "\\" in short or _is_installed(known):
        return ""
    return f" It comes with {known}: pip install {known}."


def _is_of(name: str, plugin: str) -> bool:
    return f"{name.replace('-', '_')}_".startswith(f"{plugin}_")


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
