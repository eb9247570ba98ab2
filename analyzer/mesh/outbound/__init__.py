"""What a proxy is told of the way out: scope, listeners, route configurations, clusters, as istiod generates them."""
