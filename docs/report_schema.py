"""The JSON Schema of ``report.json``, made from the dataclasses of the weekly report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import date
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from analyzer.periods import Period
from analyzer.report.model import WeeklyReport
from analyzer.report.plain import hints, is_time
from analyzer.stats.kpi import Ratio

TIME: dict[str, Any] = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$"}
DAY: dict[str, Any] = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"}
WHOLE: dict[str, Any] = {"type": "integer", "minimum": 0}
SHARE: dict[str, Any] = {"type": ["number", "null"], "minimum": 0, "maximum": 100}


def report_schema() -> str:
    """The schema as text."""
    found: dict[str, Any] = {}
    whole = _object(WeeklyReport, found)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "sipcause report --format json",
        "description": "One report. Later versions add keys; the meaning of a key never changes. Shares are per cent.",
        **whole,
        "properties": {"schema": {"const": 1}, **whole["properties"]},
        "required": ["schema", *whole["required"]],
        "$defs": dict(sorted(found.items())),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _object(kind: type[Any], found: dict[str, Any]) -> dict[str, Any]:
    properties = {name: _value(name, hint, found) for name, hint in hints(kind).items()}
    about = " ".join((kind.__doc__ or "").split())
    return {"description": about, "type": "object", "properties": properties, "required": list(properties)}


def _value(name: str, hint: Any, found: dict[str, Any]) -> dict[str, Any]:
    origin, held = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        kinds = [_value(name, one, found) for one in held if one is not NoneType]
        assert len(kinds) == 1
        return {"anyOf": [kinds[0], {"type": "null"}]} if NoneType in held else kinds[0]
    if origin is tuple:
        return {"type": "array", "items": _value("", held[0], found)}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _value("", held[1], found)}
    if hint is Ratio:
        found.setdefault("Ratio", _ratio())
        return {"$ref": "#/$defs/Ratio"}
    if hint is Period:
        found.setdefault("Period", _period())
        return {"$ref": "#/$defs/Period"}
    if is_dataclass(hint):
        assert isinstance(hint, type)
        if hint.__name__ not in found:
            found[hint.__name__] = {}
            found[hint.__name__] = _object(hint, found)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    if is_time(name):
        return TIME
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [member.value for member in hint]}
    return {bool: {"type": "boolean"}, int: {"type": "integer"}, float: {"type": "number"}, str: {"type": "string"},
            date: DAY}[hint]  # fmt: skip


def _ratio() -> dict[str, Any]:
    properties = {"numerator": WHOLE, "denominator": WHOLE, "percent": SHARE, "low": SHARE, "high": SHARE}
    about = "How many of how many, per cent, and its Wilson 95 % interval; null when there is nothing to divide by."
    return {"description": about, "type": "object", "properties": properties, "required": list(properties)}


def _period() -> dict[str, Any]:
    properties = {
        "label": {"type": "string"},
        "from": TIME,
        "to": TIME,
        "days": {"type": "array", "items": DAY},
        "zone": {"type": "string"},
        "hours": WHOLE,
    }
    about = "Whole days of a zone: `to` is the first moment that is not in it."
    return {"description": about, "type": "object", "properties": properties, "required": list(properties)}
