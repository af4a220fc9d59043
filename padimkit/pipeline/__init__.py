"""The composition of parts into a pipeline that learns and predicts."""

from padimkit.pipeline.anomaly_map import AnomalyMap
from padimkit.pipeline.levels import Joint, Separate
from padimkit.pipeline.pipeline import Pipeline

__all__ = ["AnomalyMap", "Joint", "Pipeline", "Separate"]
