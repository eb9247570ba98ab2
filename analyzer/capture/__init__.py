"""Bytes of a file to packets as columns: pcap, pcapng, compression, link layers."""
