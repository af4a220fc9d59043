"""What the programs are run on: made once, written to a temporary folder, read by all."""
