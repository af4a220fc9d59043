"""A model in service: in programs, over HTTP, and exported for other runtimes."""
