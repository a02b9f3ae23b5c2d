"""The name under which notebooks of earlier versions import `load_plugins`."""

from bench.plugins.discovery import load_plugins

__all__ = ["load_plugins"]
