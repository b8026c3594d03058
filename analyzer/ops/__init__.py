"""What a live run tells other programs (metrics, alerts, a service manager), and the rights that it gives up."""
