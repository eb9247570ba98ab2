"""Fuzzes capture files: python fuzz/fuzz_container.py."""

from harness import run_target

run_target("container")
