"""What Istio's admission refuses, one file a kind; the tables are in ``refused_objects.py``."""
