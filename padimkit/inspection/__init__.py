"""The inspection of images: from scores to verdicts, by a calibration on normal images."""
