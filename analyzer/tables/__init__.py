"""From columns to typed tables and files: with stats, the only place that knows pandas."""
