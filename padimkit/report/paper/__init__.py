"""What the papers print, and what was measured beside it."""
