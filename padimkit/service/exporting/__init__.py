"""Models to files of other runtimes."""
