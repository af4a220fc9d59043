"""Settings to objects and back: YAML and command lines, with the names of the registry."""
