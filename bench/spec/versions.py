"""The versions of what plugins are written against."""

__all__ = ["API_VERSION", "REPORTER_API"]

API_VERSION = 1
REPORTER_API = 2
