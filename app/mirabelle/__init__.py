"""Mirabelle: a loyalty programme's app and backend."""

__version__ = "0.1.0"
