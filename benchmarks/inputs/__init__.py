"""The inputs of the programs: made once, written to a temporary folder, read by all."""
