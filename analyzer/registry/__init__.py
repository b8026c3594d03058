"""Registries: protocol numbers, causes, mappings, vendors and outcomes as data, with their sources."""
