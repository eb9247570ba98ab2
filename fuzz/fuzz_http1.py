"""Fuzzes HTTP/1 connections: python fuzz/fuzz_http1.py."""

from harness import run_target

run_target("http1")
