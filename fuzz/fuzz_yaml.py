"""Fuzzes the mesh's YAML: python fuzz/fuzz_yaml.py."""

from harness import run_target

run_target("yaml")
