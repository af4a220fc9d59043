"""The recipes of Patch SVDD, as YAML files."""
