"""Running trials: typed events, the isolated worker and the back ends."""
