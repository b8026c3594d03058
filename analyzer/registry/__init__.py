"""Registries: protocol numbers, causes, mappings, vendors and outcomes as data, with their sources.

``load_registry()`` gives the `Registry`; its lookups are total. How to add a code, a maker or a whole pack is told in
docs/registries.md.
"""

from analyzer.registry.entries import family_of
from analyzer.registry.lookup import Registry, UnknownProfile, load_registry
from analyzer.registry.outcomes import GENERIC_CAUSES

__all__ = ["GENERIC_CAUSES", "Registry", "UnknownProfile", "family_of", "load_registry"]
