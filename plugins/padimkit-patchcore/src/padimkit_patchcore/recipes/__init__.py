"""The recipes of PatchCore, as YAML files."""
