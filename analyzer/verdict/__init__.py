"""Facts and mesh to judgement: legs, sieve, classification, what was observed, and the tables of a run."""
