"""The cells of a suite, each in a process of its own."""
