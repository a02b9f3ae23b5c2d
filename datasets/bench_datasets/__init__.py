"""The built-in datasets, one file a format."""
