"""A server that gives the verdicts of stored models over HTTP, with one page for people; extra `serve`."""
