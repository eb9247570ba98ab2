"""Suites: what a team expects of its recorded calls, and whether it holds."""

# How the file of a suite is named.
SUITE_SUFFIXES = (".verdict.yaml", ".verdict.yml")
