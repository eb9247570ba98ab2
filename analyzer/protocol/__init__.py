"""Byte streams to what was said: HTTP/1, HTTP/2 with gRPC, TLS. Knows no packets."""
