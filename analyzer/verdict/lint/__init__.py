"""What in a mesh is surprising without any traffic: one analyser a file, all of them in ``ANALYSERS``."""
