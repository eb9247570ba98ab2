"""Suites: what a team expects of its recorded calls, and whether it holds."""
