"""One file per Kubernetes or Istio resource: a typed view that keeps every field's place."""
