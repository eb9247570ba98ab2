"""Fuzzes TLS connections: python fuzz/fuzz_tls.py."""

from harness import run_target

run_target("tls")
