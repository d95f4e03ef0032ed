"""Flet's entry point for packaged apps: everything else is wired in one place."""

from mirabelle.client import wiring

wiring.run()
