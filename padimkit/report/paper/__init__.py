"""Printed results of the PaDiM paper, and measured ones beside them."""
