"""Fuzzes frames of every link type: python fuzz/fuzz_link.py."""

from harness import run_target

run_target("link")
