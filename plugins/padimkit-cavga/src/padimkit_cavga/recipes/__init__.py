"""The recipes of CAVGA, as YAML files."""
