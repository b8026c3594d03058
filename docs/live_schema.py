"""The JSON Schema of the lines of ``sipcause live --json``, made from the row types and analyze.schema.json."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from analyzer.schema import CallRow, Kind, RegistrationRow, columns

FOLDER = Path(__file__).resolve().parent
COUNT: dict[str, Any] = {"$ref": "#/$defs/count"}
TEXT: dict[str, Any] = {"type": ["string", "null"]}
TIME: dict[str, Any] = {"$ref": "#/$defs/time"}
NUMBER: dict[str, Any] = {"type": "number", "minimum": 0}
#: Keys of an entry of ``endpoints`` that only a whole analysis knows.
OF_SESSIONS = ("overflows", "blocked_calls")


def live_schema() -> str:
    """The schema as text."""
    whole = json.loads((FOLDER / "analyze.schema.json").read_text(encoding="utf-8"))
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "sipcause live --json",
        "description": "One line. Later versions add types and keys; the meaning of a key never changes.",
        "type": "object",
        "required": ["type"],
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in ("call", "registration", "status", "notice", "summary")],
        "$defs": {
            **whole["$defs"],
            "call": _line("call", {"call_key": TEXT, "source": TEXT, **_row(CallRow)}, "A call that has ended."),
            "registration": _line(
                "registration", {"source": TEXT, **_row(RegistrationRow)}, "A registration that has ended."
            ),
            "status": _line("status", _status(), "Once a minute."),
            "notice": _line("notice", {"time": TIME, "text": {"type": "string"}}, "Something happened to the run."),
            "summary": _line("summary", _summary(whole["properties"]), "The last line: the whole run."),
            "span": _span(),
        },
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _object(properties: dict[str, Any], description: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {"type": "object", "properties": properties, "required": list(properties)}
    return {"description": description, **made} if description else made


def _line(kind: str, properties: dict[str, Any], description: str) -> dict[str, Any]:
    return _object({"type": {"const": kind}, **properties}, description)


def _row(row_type: type[Any]) -> dict[str, Any]:
    """The columns of a row type."""
    kinds: dict[Kind, Any] = {Kind.FLAG: "boolean", Kind.REAL: "number", Kind.LABEL: "string", Kind.TEXT: "string"}
    found: dict[str, Any] = {}
    for column in columns(row_type):
        kind = kinds.get(column.kind, "integer")
        typed = dict(TIME) if column.kind is Kind.TIME else {"type": [kind, "null"] if column.optional else kind}
        unit = f", {column.unit}" if column.unit else ""
        found[column.name] = {**typed, "description": column.meaning + unit}
    return found


def _status() -> dict[str, Any]:
    source = {
        "capture_no": COUNT, "name": {"type": "string"}, "kind": {"enum": ["live", "hep", "file"]}, "frames": COUNT,
        "octets": COUNT, "sip_messages": COUNT, "dropped": COUNT,
        "trouble": {**TEXT, "description": "why nothing comes at the moment"},
    }  # fmt: skip
    return {
        "time": TIME,
        "start": TIME,
        "sources": {"type": "array", "items": _object(source)},
        "rates": _object(dict.fromkeys(("frames", "octets", "messages", "calls"), NUMBER), "a second"),
        "setting_up": COUNT,
        "in_call": COUNT,
        "lingering": {**COUNT, "description": "decided calls that may still be heard of"},
        "open_groups": COUNT,
        "evicted": COUNT,
        "dropped": COUNT,
        "queue_dropped": COUNT,
        "memory_octets": COUNT,
        "store": TEXT,
        "store_trouble": TEXT,
        "store_committed": TIME,
        "frames_file": TEXT,
        "frames_trouble": TEXT,
        "alerts": {"type": "array", "items": {"type": "string"}},
        **{key: {"$ref": "#/$defs/span"} for key in ("minute", "hour", "since_start")},
        "lines_dropped": {**COUNT, "description": "lines that a slow reader has lost"},
    }


def _span() -> dict[str, Any]:
    counts = {"type": "object", "additionalProperties": COUNT}
    ratio = _object({"numerator": COUNT, "denominator": COUNT})
    endpoint = {
        "ip": {"type": "string"}, "network": {"type": ["integer", "null"]}, "calls_as_caller": COUNT,
        "calls_as_callee": COUNT, "failures": COUNT,
    }  # fmt: skip
    return _object(
        {
            "calls": COUNT, "unsuccessful": COUNT, "failures": COUNT, "by_outcome": counts, "by_status_code": counts,
            "failures_by_code": counts, "by_cause": counts, "registrations": counts,
            "kpis": {"type": "object", "additionalProperties": ratio},
            "failing_endpoints": {"type": "array", "items": _object(endpoint)},
        },
        "What was decided in a span.",
    )  # fmt: skip


def _summary(whole: dict[str, Any]) -> dict[str, Any]:
    calls = _without(whole["calls"], "scanners", "without_scanners")
    endpoints = copy.deepcopy(whole["endpoints"])
    endpoints["items"] = _without(endpoints["items"], *OF_SESSIONS)
    endpoints["items"]["properties"]["by_status_code"] = {"type": "object", "additionalProperties": COUNT}
    midcall = copy.deepcopy(whole["midcall"])
    midcall["items"] = _without(midcall["items"], "calls")
    capture = {
        "source": {"type": "string"}, "kind": {"enum": ["live", "hep", "file"]}, "frames": COUNT, "octets": COUNT,
        "sip_messages": COUNT, "dropped": COUNT,
    }  # fmt: skip
    return {
        "schema": {"const": 1},
        "start": TIME,
        "end": TIME,
        "captures": {"type": "array", "items": _object(capture)},
        "responses": whole["responses"],
        "requests": whole["requests"],
        "calls": calls,
        "causes": whole["causes"],
        "releases": whole["releases"],
        "endpoints": endpoints,
        "registrations": whole["registrations"],
        "midcall": midcall,
        "issues": whole["issues"],
        "dropped": COUNT,
        "queue_dropped": COUNT,
        "evicted": COUNT,
        "lines_dropped": COUNT,
    }


def _without(schema: dict[str, Any], *names: str) -> dict[str, Any]:
    """An object's schema without some of its keys."""
    made = copy.deepcopy(schema)
    for name in names:
        made["properties"].pop(name)
        if name in made.get("required", ()):
            made["required"].remove(name)
    return made
