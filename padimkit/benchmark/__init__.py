"""Comparative studies: suites of cells, each run in a process of its own and recorded."""
