"""padimkit beside the program that its users would take otherwise: the same inputs, weights and threads."""
