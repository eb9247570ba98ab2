"""What people add to an Envoy beside Istio's own configuration: told apart by where it sits, never executed."""
