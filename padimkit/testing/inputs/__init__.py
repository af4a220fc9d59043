"""Made-up data that the checks use."""
