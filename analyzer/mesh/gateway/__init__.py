"""What istiod tells a gateway: servers merged into listeners, filter chains by server name, route configurations."""
