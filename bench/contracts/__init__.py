"""What plugins exchange with the harness; `bench.spec` is the public name of all of it."""

__all__: list[str] = []
