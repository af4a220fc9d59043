"""Records of a benchmark as a document: a page, Markdown, CSV or LaTeX. Nothing is run here."""
