"""What a registry knows, as frozen values: one class per kind of entry of ``data/``.

Every field is a key of the TOML entry, but for ``origin`` (file and key it stands under), ``known`` (False
when a lookup made the value because no entry exists) and the fields that the entry's own name gives
(``code``, ``name`` ...). A new field here is a new key there; a key that is not a field is refused when the
file is loaded.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from analyzer.vocab import Family, Fault, Outcome, Release, Severity

Texts = tuple[str, ...]
Range = tuple[int, int]


def family_of(code: int) -> Family:
    """The family of a status code by its first digit, RFC 3261 §7.2.

    Outside 100-699 no RFC gives it one: vendor.
    """
    return _FAMILIES[code // 100] if 100 <= code < 700 else Family.VENDOR


_FAMILIES = (Family.VENDOR, *Family)


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Common to all entries: ``origin`` says where the entry stands, as ``file: section.key``."""

    origin: str = ""


class FamilyEntry(Entry, frozen=True):
    """A class of status codes, RFC 3261 §21."""

    name: Family
    first: int
    last: int
    meaning: str
    responsible: str
    treat_unknown_as: int = 0


class StatusCode(Entry, frozen=True):
    """A status code. ``responsible`` is a first guess; ``kpi`` its part in RFC 6076.

    ``notes`` remarks on its use.
    """

    code: int
    phrase: str = ""
    meaning: str = ""
    responsible: str = ""
    rfc: str = ""
    kind: Literal["registered", "deprecated", "obsolete"] = "registered"
    other_phrases: Texts = ()
    look_at: Texts = ()
    mid_dialog_effect: str = ""
    kpi: Texts = ()
    listed_by: Texts = ()
    notes: Texts = ()
    known: bool = True

    @property
    def family(self) -> Family:
        """The family by the first digit."""
        return family_of(self.code)

    @property
    def text(self) -> str:
        """Code and phrase for people: ``486 Busy Here``, ``499 (unlisted)``."""
        return f"{self.code} {self.phrase}" if self.phrase else f"{self.code} (unlisted)"


class Document(Entry, frozen=True):
    """A published list of codes that is kept word for word."""

    name: str
    title: str
    language: str
    remark: str = ""


class Listed(Entry, frozen=True):
    """What the published lists say about a code, word for word.

    ``corrections``: document, kind and what is right.
    """

    code: int
    simbox: str = ""
    simbox_note: str = ""
    simbox_event: str = ""
    simbox_cause: int | None = None
    simbox_cause_text: str = ""
    simbox_cause_remark: str = ""
    overzicht: str = ""
    overzicht_hint: str = ""
    corrections: Texts = ()
    right_phrase: str = ""


class CauseClass(Entry, frozen=True):
    """A class of causes by their upper three bits, Q.850 §2.2.5."""

    name: str
    first: int
    last: int
    bits: str
    title: str
    unspecified_value: int


class Cause(Entry, frozen=True):
    """A Q.850 cause value, 1-127.

    ``assigned``: by Q.850 itself, not merely met in programs or national use.
    """

    value: int
    name: str = ""
    class_name: str = ""
    meaning: str = ""
    responsible: str = ""
    assigned: bool = True
    asterisk: str = ""
    freeswitch: str = ""
    yate: Texts = ()
    q931_name: str = ""
    listed_by: Texts = ()
    notes: Texts = ()
    known: bool = True

    @property
    def hex(self) -> str:
        """The value in hexadecimal: ``1F``."""
        return f"{self.value:02X}"

    @property
    def dss1_hex(self) -> str:
        """The octet of the DSS1 cause element: with the extension bit, Q.931 §4.5.12: ``9F``."""
        return f"{(self.value & 0x7F) | 0x80:02X}"


class Location(Entry, frozen=True):
    """A location of Q.850; ``token`` is its value in Reason, RFC 8606 §4."""

    code: int
    token: str
    name: str


class InternalCause(Entry, frozen=True):
    """A hangup cause of one program outside 1-127: a name, never Q.850."""

    value: int
    name: str
    program: str


class ProfileEntry(Entry, frozen=True):
    """Status code to cause, as one source has it."""

    name: str
    title: str
    source: str
    checked: Literal["verified", "partial", "second-hand", "none"]
    default_cause: int | None = None
    default_rule: str = ""
    notes: str = ""
    no_mapping: tuple[int, ...] = ()
    causes: dict[int, int] = msgspec.field(default_factory=dict)
    by_warning: dict[int, int] = msgspec.field(default_factory=dict)
    internal: dict[int, int] = msgspec.field(default_factory=dict)
    remarks: dict[int, str] = msgspec.field(default_factory=dict)
    symbols: dict[int, str] = msgspec.field(default_factory=dict)


class ReverseEntry(Entry, frozen=True):
    """Cause to status codes, as one source has it; the first code is the usual one."""

    name: str
    title: str
    source: str
    checked: Literal["verified", "partial", "second-hand", "none"]
    default_status: int | None = None
    default_rule: str = ""
    notes: str = ""
    no_mapping: tuple[int, ...] = ()
    codes: dict[int, tuple[int, ...]] = msgspec.field(default_factory=dict)
    internal: dict[int, tuple[int, ...]] = msgspec.field(default_factory=dict)
    remarks: dict[int, str] = msgspec.field(default_factory=dict)
    symbols: dict[int, str] = msgspec.field(default_factory=dict)


class RuleEntry(Entry, frozen=True):
    """How a call's outcome is decided, as it stands in TOML.

    What it leaves out is filled in for `OutcomeRule`.
    """

    id: str
    outcome: Outcome
    fault: Fault
    detail: str | None = None
    ringing_outcome: Outcome | None = None
    ringing_fault: Fault | None = None
    location_user_outcome: Outcome | None = None
    location_user_fault: Fault | None = None
    statuses: tuple[int, ...] = ()
    status_range: Range | None = None
    causes: tuple[int, ...] = ()
    cause_ranges: tuple[Range, ...] = ()
    meaning: str = ""
    source: str = ""


class OutcomeRule(msgspec.Struct, frozen=True, kw_only=True):
    """How a call's outcome is decided; ``id`` is what ``CallRow.outcome_rule`` names.

    ``ringing_*`` hold after any of 180-183, ``location_user_*`` when the Reason says location=U; where that
    changes nothing they equal ``outcome`` and ``fault``.
    """

    id: str
    outcome: Outcome
    fault: Fault
    detail: str | None
    ringing_outcome: Outcome
    ringing_fault: Fault
    location_user_outcome: Outcome
    location_user_fault: Fault
    meaning: str
    source: str
    origin: str


class ReleaseRule(Entry, frozen=True):
    """Which causes and codes in a BYE make a release normal, odd or abnormal."""

    release: Release
    causes: tuple[int, ...] = ()
    cause_ranges: tuple[Range, ...] = ()
    statuses: tuple[int, ...] = ()
    status_range: Range | None = None
    release_causes: tuple[int, ...] = ()
    preemption: bool = False
    meaning: str = ""
    source: str = ""


class ReasonProtocol(Entry, frozen=True):
    """A protocol of the Reason header field; ``values`` says what its cause parameter holds."""

    name: str
    values: str = ""
    source: str = ""
    registry: str = ""
    note: str = ""
    known: bool = True


class ReasonCause(Entry, frozen=True):
    """A cause of a Reason protocol other than SIP and Q.850."""

    protocol: str
    cause: int
    text: str
    note: str = ""
    source: str = ""


class ReasonPattern(Entry, frozen=True):
    """A habit: how some senders write Reason, and what that tells."""

    id: str
    example: str
    meaning: str
    source: str = ""


class Warning(Entry, frozen=True):
    """A Warning code; ``cause`` is the Q.850 cause that a mapping by Warning chooses for it."""

    code: int
    text: str = ""
    meaning: str = ""
    group: str = ""
    cause: int | None = None
    source: str = ""
    known: bool = True


class WarningText(Entry, frozen=True):
    """A maker's text in a Warning; ``pattern`` is searched in it."""

    id: str
    pattern: str
    meaning: str
    vendor: str = ""
    source: str = ""


class HeaderField(Entry, frozen=True):
    """A header field. ``states``: its value is a Q.850 cause as a number, the Call-ID of another leg, an id that all
    legs share, or P-Charging-Vector's icid-value, which is such an id. ``explains``: it is evidence of why.
    """

    name: str
    compact: str = ""
    list: bool = False
    rfc: str = ""
    vendor: str = ""
    meaning: str = ""
    parameter: str = ""
    states: Literal["", "q850_cause", "call_id", "shared_id", "icid_value"] = ""
    explains: bool = False
    source: str = ""
    known: bool = True


class Method(Entry, frozen=True):
    """A method; ``keepalive``: left out of traffic counts."""

    name: str
    kind: Literal["invite", "non_invite", "ack"] = "non_invite"
    creates_dialog: bool = False
    keepalive: bool = False
    meaning: str = ""
    rfc: str = ""
    known: bool = True


class IssueKind(Entry, frozen=True):
    """A kind of issue; ``next`` says what to look at."""

    code: str
    severity: Severity
    group: Literal["capture", "transport", "malformed", "protocol", "sequence", "response"]
    summary: str
    rfc: str = ""
    next: str = ""
    known: bool = True
