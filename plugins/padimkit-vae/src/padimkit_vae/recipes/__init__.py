"""The recipes of the variational autoencoder, as YAML files."""
