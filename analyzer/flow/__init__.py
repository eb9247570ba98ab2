"""Packets to conversations to ordered byte streams with gaps."""
