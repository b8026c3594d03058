"""Captures into a store: what `analyze --store` does beside counting them."""
