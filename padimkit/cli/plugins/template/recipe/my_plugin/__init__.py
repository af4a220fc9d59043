"""The recipes of my-plugin: each YAML file here is one, by its name."""
