"""Recipes: the YAML files here."""
