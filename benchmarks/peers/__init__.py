"""padimkit beside the program that its users would use otherwise, with the same inputs and threads."""
