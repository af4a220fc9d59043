"""The steps from the file of a suite to its cells, before anything runs."""
