"""YAML to what each Envoy would be told. Knows no packets."""
