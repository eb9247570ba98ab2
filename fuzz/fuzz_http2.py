"""Fuzzes HTTP/2 connections: python fuzz/fuzz_http2.py."""

from harness import run_target

run_target("http2")
