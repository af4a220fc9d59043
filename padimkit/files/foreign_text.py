"""Texts of strangers, such as names of files and messages of plugins, escaped for the place where they go."""

import re
import unicodedata

# At the start, and after what separates cells where a comma is a decimal point.
_FORMULA = re.compile(r"(^(?='*[=+\-@\t\r\n])|[;\t](?='*[=+\-@]))('*)")
_ESCAPED_FORMULA = re.compile(r"(^(?='+[=+\-@\t\r\n])|[;\t](?='+[=+\-@]))'('*)")


def printable(text: str) -> str:
    """Return the text with escapes in place of characters that would steer a terminal or hide text.

    >>> print(printable("red \\x1b[31m"))
    red \\x1b[31m
    """
    return re.sub(r"[^\n\t\x20-\x7e]", lambda found: _shown(found[0]), text)


def as_cell(text: str) -> str:
    """Return the text as a cell of a CSV file that no spreadsheet takes for a formula: behind an apostrophe.

    >>> as_cell("=1+1"), as_cell("good/000.png")
    ("'=1+1", 'good/000.png')
    """
    return _FORMULA.sub(r"\1'\2", text)


def of_cell(cell: str) -> str:
    """Return the text of which `as_cell` made a cell."""
    return _ESCAPED_FORMULA.sub(r"\1\2", cell)


def _shown(character: str) -> str:
    # Of control, format, surrogates, lines and paragraphs.
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character.encode("unicode_escape").decode()
    return character
