"""The ShanghaiTech Campus data set, frames of surveillance videos."""
