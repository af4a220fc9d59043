"""Text of strangers, such as descriptions of their plugins, as it may reach a terminal."""

import re
import unicodedata


def printable(text: str) -> str:
    """Return the text with escapes in place of characters that would steer a terminal or hide text.

    >>> print(printable("red \\x1b[31m"))
    red \\x1b[31m
    """
    return re.sub(r"[^\n\t\x20-\x7e]", lambda found: _shown(found[0]), text)


def _shown(character: str) -> str:
    if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp"):  # of control, format, lines, paragraphs
        return character.encode("unicode_escape").decode()
    return character
