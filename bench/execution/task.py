"""The tasks a back end is given; they live below the grid, which makes them."""

from bench.task import EvaluationTask, Limits, Outcome, PluginRef, SplitRef, TrialTask

__all__ = ["EvaluationTask", "Limits", "Outcome", "PluginRef", "SplitRef", "TrialTask"]
