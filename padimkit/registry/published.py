"""Our own distributions of plugins, by the names that they bring, for errors where they are not installed."""

import re

from padimkit.files.packages import is_installed

_PUBLISHED = {
    "cavga": "padimkit-cavga",
    "patch_svdd": "padimkit-patch-svdd",
    "patchcore": "padimkit-patchcore",
    "semi_orthogonal": "padimkit-semiorthogonal",
    "vae": "padimkit-vae",
}


def to_install(name: str) -> str:
    """Return a sentence that says what to install for a plugin or a recipe; empty if that is not known."""
    provider, colon, short = name.rpartition(":")
    known = provider if colon else next((d for n, d in _PUBLISHED.items() if _is_of(short, n)), "")
    if not re.fullmatch(r"\w[\w.-]+", known) or "/" in short or "\\" in short or is_installed(known):
        return ""
    return f" It comes with {known}: pip install {known}."


def _is_of(name: str, plugin: str) -> bool:
    return f"{name.replace('-', '_')}_".startswith(f"{plugin}_")
