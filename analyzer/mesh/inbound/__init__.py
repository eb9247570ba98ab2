"""What istiod tells a sidecar about connections that arrive: mutual TLS, declared ports, filter chains."""
