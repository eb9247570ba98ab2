"""Arguments, progress and exit codes: the only place that prints."""
