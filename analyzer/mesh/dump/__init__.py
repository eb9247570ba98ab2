"""The other source of truth: what an Envoy says that it runs (``GET /config_dump``), in the nouns of the model."""
