"""Fuzzes the mesh's answers: python fuzz/fuzz_route.py."""

from harness import run_target

run_target("route")
