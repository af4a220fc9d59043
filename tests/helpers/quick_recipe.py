"""The settings of a quick pipeline, for tests of commands."""

PIPELINE = """\
pipeline:
  backbone: pixels
  reducer: {class_path: random_channels, init_args: {keep: 2, seed: 1}}
  density: gaussian
  map: {sigma: 1.0}
  preprocessing: {resize: 32, crop: 28}
"""
