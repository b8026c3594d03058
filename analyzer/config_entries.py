"""The groups of ``sipcause.toml`` as values; `config` reads and checks them."""

from __future__ import annotations

import msgspec


class Windows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long is waited for what, in seconds of the capture's clock (docs/counting.md)."""

    no_response_s: float = 32.0
    progress_s: float = 180.0
    challenge_s: float = 5.0
    continuation_s: float = 32.0


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a number begins to mean something else."""

    abandoned_wait_s: float = 10.0
    short_call_s: tuple[float, ...] = (6.0, 10.0, 30.0)
    minimum_calls: int = 30


class Aliases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names of ours: endpoint by address, networks by trunk, name by number prefix."""

    endpoints: dict[str, str] = msgspec.field(default_factory=dict)
    trunks: dict[str, list[str]] = msgspec.field(default_factory=dict)
    numbers: dict[str, str] = msgspec.field(default_factory=dict)


class Numbers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How numbers are dialled here, so that equal destinations are one.

    ``country``: our country code without +; without it national numbers stay as they are dialled. ``international``
    and ``national``: what is dialled before them. ``outside``: digits for an outside line, which are taken off.
    ``emergency``: numbers of which each failed call is listed.
    """

    country: str | None = None
    international: tuple[str, ...] = ("00",)
    national: str = "0"
    outside: tuple[str, ...] = ()
    emergency: tuple[str, ...] = ("112", "911", "999", "110", "118", "000")


class Contract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was agreed with a trunk of ``aliases.trunks``; reports say where it was not kept."""

    channels: int | None = None
    calls_per_second: float | None = None
    asr_min: float | None = None
    ner_min: float | None = None
    pdd_p95_ms_max: float | None = None


class ReportThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Figures of a report at which ``sipcause report`` ends with exit code 3; ratios in per cent."""

    asr_min: float | None = None
    ner_min: float | None = None
    ser_min: float | None = None
    seer_min: float | None = None
    failure_share_max: float | None = None
    failures_max: int | None = None
    emergency_failed_max: int | None = None
    ira_max: float | None = None
    drops_max: float | None = None
    #: Significant rises of failures.
    rises_max: int | None = None


class ReportSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Weekly reports. ``notes``: a TOML file with the operator's notes and holidays, relative to this one."""

    lang: str | None = None
    notes: str | None = None
    thresholds: ReportThresholds = ReportThresholds()


class Mail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How reports are mailed; user and password come from SIPCAUSE_MAIL_USER and SIPCAUSE_MAIL_PASSWORD.

    ``security``: starttls, tls, or none (loopback alone).
    """

    host: str = "localhost"
    port: int | None = None
    security: str = "starttls"
    sender: str | None = None


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keys of the file."""

    timezone: str | None = None
    own: tuple[str, ...] = ()
    registry: tuple[str, ...] = ()
    causes: str | None = None
    ports: tuple[int, ...] = (5060, 5061)
    aliases: Aliases = Aliases()
    numbers: Numbers = Numbers()
    trunks: dict[str, Contract] = msgspec.field(default_factory=dict)
    windows: Windows = Windows()
    thresholds: Thresholds = Thresholds()
    report: ReportSettings = ReportSettings()
    mail: Mail = Mail()
