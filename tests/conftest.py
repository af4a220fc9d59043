"""Shapes in signatures are checked at run time here, and only here."""

from jaxtyping import install_import_hook

install_import_hook("padimkit", "beartype.beartype")
