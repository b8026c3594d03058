"""Registries: protocol numbers, causes, mappings, vendors and outcomes as data, with their sources.

``load_registry()`` gives the `Registry`; its lookups are total. How to add a code, a maker or a whole pack is
told in docs/registries.md.
"""

from analyzer.registry.entries import Cause, IssueKind, Method, OutcomeRule, StatusCode, family_of
from analyzer.registry.lookup import Registry, load_registry
from analyzer.registry.outcomes import GENERIC_CAUSES, OutcomeRules, ReleaseRules
from analyzer.registry.profiles import Profile
from analyzer.registry.vendor_entries import Scanner, Vendor, VendorCode

__all__ = [
    "GENERIC_CAUSES",
    "Cause",
    "IssueKind",
    "Method",
    "OutcomeRule",
    "OutcomeRules",
    "Profile",
    "Registry",
    "ReleaseRules",
    "Scanner",
    "StatusCode",
    "Vendor",
    "VendorCode",
    "family_of",
    "load_registry",
]
