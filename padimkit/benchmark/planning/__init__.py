"""From the file of a suite to its cells, before anything runs."""
