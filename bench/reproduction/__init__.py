"""The published experiments: figures, claims and verdicts."""
