"""Realistic mistakes of plugin authors, a module for each family: wrong parts, and the checks to find them.

Each module has a part that is right in every way, and classes that are it but for one mistake, which their
docstrings name. `MISTAKES` of a module is the table. `tests/helpers/find_mistakes.py` prints all of them.
"""
