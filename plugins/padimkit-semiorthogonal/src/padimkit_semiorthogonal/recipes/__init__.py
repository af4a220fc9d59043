"""The recipes with a semi-orthogonal projection, as YAML files."""
