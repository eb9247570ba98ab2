"""One file per link layer: where the IP packet of a record begins."""
