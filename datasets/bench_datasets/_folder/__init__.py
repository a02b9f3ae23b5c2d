"""Own folders of photos: what lies there, how it is labelled, how it is read."""

__all__: list[str] = []
