"""A study as a document of one format, one module each."""
