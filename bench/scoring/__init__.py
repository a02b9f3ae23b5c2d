"""Pure functions on predictions: metrics, intervals, paired tests, ties."""

__all__: list[str] = []
