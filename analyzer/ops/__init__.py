"""What a live run tells other programs: metrics for Prometheus, alerts."""
