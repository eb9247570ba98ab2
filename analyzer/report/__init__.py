"""Judgement to something to read: text, JSON, CSV, HTML. Sees verdicts only."""
