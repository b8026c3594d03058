"""sipcause: which SIP calls failed, why, whose failure it was, and which ISDN cause the other side saw.

    import analyzer
    result = analyzer.analyze("morning.pcapng")
    result.calls                      # a pandas DataFrame, docs/tables.md says column by column what it holds

The nouns, from the wire to the report:

frame         captured link-layer unit                              capture/
datagram      after IP: where SIP stands in the octets               capture/, batch.py
message       one SIP message, as numbers and spans                  sip/, batch.py
transaction   request, responses and ACK on one hop                  correlate/
call          one caller's intention, with challenges and retries    correlate/
registration  a REGISTER and its challenges                          correlate/
issue         something on the wire worth a person's eye             issues.py

``schema.py`` says what the tables hold, ``pipeline.py`` what happens, ``data/`` what codes and causes mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analyzer.api import Result, analyze
    from analyzer.errors import AnalyzerError, CaptureError, ConfigError, OutputError, RegistryError

__all__ = ["AnalyzerError", "CaptureError", "ConfigError", "OutputError", "RegistryError", "Result", "analyze"]


def __getattr__(name: str) -> Any:
    """Load what is asked for: importing the package alone must cost nothing."""
    if name in ("Result", "analyze"):
        from analyzer import api

        return getattr(api, name)
    if name in __all__:
        from analyzer import errors

        return getattr(errors, name)
    raise AttributeError(f"module 'analyzer' has no attribute {name!r}")
