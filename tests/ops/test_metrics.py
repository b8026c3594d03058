"""The metrics page: what it says, that it is bounded, that counters only grow, and how the port answers."""

from __future__ import annotations

import http.client
import random
import re
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from analyzer.config import Aliases, Config
from analyzer.config_entries import Settings
from analyzer.errors import AnalyzerError
from analyzer.ops.metrics import Metrics
from analyzer.ops.metrics_page import FAMILIES, Numbers
from analyzer.ops.metrics_server import AT_ONCE, place_of
from analyzer.ops.named_endpoints import NAMED_EVER, NamedEndpoints
from analyzer.stats.tally import OTHER, Counts, Endpoint
from analyzer.vocab import SourceKind
from tests.ops.made import CONFIG, REGISTRY, START, Run, request, response, source

BUSY: dict[str, Any] = {"outcome": "busy", "status_code": 486, "cause": 17}
FAILED: dict[str, Any] = {"outcome": "failed", "status_code": 503, "cause": 34, "failed_by_ip": "192.0.2.9"}


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    served = Metrics("127.0.0.1:0", REGISTRY, CONFIG, top=3)
    yield served
    served.close()


def page(metrics: Metrics) -> str:
    with urlopen(metrics.url, timeout=5) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text: str = answer.read().decode()
    return text


def samples(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Values by sample name and label values."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            values = found.setdefault(sample.name, {})
            labels = tuple(sample.labels[name] for name in FAMILIES[sample.name].labels)
            assert labels not in values
            values[labels] = sample.value
    return found


def full_run() -> Any:
    run = Run().add(3, {"registered": 2, "timed_out": 1}).add(2, **BUSY).add(1, **FAILED)
    return run.at(61.5).snapshot(
        sources=[
            source(frames=100, octets=50_000, sip_messages=40, dropped=7),
            source("hep:0.0.0.0:9060", SourceKind.HEP, trouble="is gone", frames=1),
        ],
        setting_up=4,
        in_call=5,
        lingering=6,
        open_groups=20,
        evicted=1,
        requests=[request("INVITE", 6, resends=2), request("XFOO", 1), request("XBAR", 2)],
        responses=[response(486, 2, resends=1, copies=3), response(503, 1, None), response(999, 4)],
        orphans=2,
        issues={"sip.no_via": 3, "made.up": 1},
        queue_dropped=9,
        store="journal",
        store_committed_ts=START,
        frames_file="x.pcapng",
        frames_trouble="disk full",
    )


def test_every_family_and_its_numbers(metrics: Metrics) -> None:
    metrics.show(full_run())
    text = page(metrics)
    found = samples(text)
    assert set(found) == set(FAMILIES)
    assert found["sipcause_frames_total"] == {("eth0", "live"): 100, ("hep:0.0.0.0:9060", "hep"): 1}
    assert found["sipcause_received_bytes_total"]["eth0", "live"] == 50_000
    assert found["sipcause_messages_total"]["eth0", "live"] == 40
    assert found["sipcause_dropped_frames_total"]["eth0", "live"] == 7
    assert found["sipcause_source_up"] == {("eth0", "live"): 1, ("hep:0.0.0.0:9060", "hep"): 0}
    assert found["sipcause_requests_total"] == {("INVITE",): 6, ("other",): 3}
    assert found["sipcause_responses_total"] == {
        ("486", "client_error", "INVITE"): 2,
        ("503", "server_error", "none"): 1,
        ("other", "vendor", "INVITE"): 4,
    }
    repeats = found["sipcause_repeated_messages_total"]
    assert repeats["request", "resend", "INVITE"] == 2
    assert (repeats["response", "resend", "INVITE"], repeats["response", "copy", "INVITE"]) == (1, 3)
    outcomes = found["sipcause_calls_total"]
    assert (outcomes["answered",], outcomes["busy",], outcomes["failed",], outcomes["rejected",]) == (3, 2, 1, 0)
    assert found["sipcause_call_failures_total"] == {("503",): 1}
    assert found["sipcause_unsuccessful_calls_total"] == {
        ("17", "User busy"): 2,
        ("34", REGISTRY.cause(34).name): 1,
    }
    assert found["sipcause_registrations_total"]["timed_out",] == 1
    assert (found["sipcause_kpi_numerator_total"]["ser",], found["sipcause_kpi_denominator_total"]["ser",]) == (3, 6)
    assert found["sipcause_kpi_denominator_total"]["ira",] == 3
    assert found["sipcause_open_calls"] == {("setting_up",): 4, ("in_call",): 5, ("lingering",): 6}
    assert found["sipcause_endpoint_failures_total"]["192.0.2.9", "", ""] == 1
    assert found["sipcause_issues_total"] == {("sip.no_via", "warn"): 3, ("other", "note"): 1}
    assert found["sipcause_clock_seconds"][()] == START / 1e9 + 61.5
    assert found["sipcause_store_commit_time_seconds"][()] == START / 1e9
    assert (found["sipcause_store_trouble"][()], found["sipcause_frames_file_trouble"][()]) == (0, 1)
    for name, family in FAMILIES.items():
        assert f"# HELP {name} {family.help}" in text


def test_no_numbers_and_names_of_people(metrics: Metrics) -> None:
    metrics.show(full_run())
    assert not re.search("sip:|31201234567|0101234567", page(metrics))


def test_before_the_first_snapshot_nothing_answers_and_then_the_newest_does(metrics: Metrics) -> None:
    assert not [thread for thread in threading.enumerate() if thread.name == "metrics"]
    run = Run()
    metrics.show(run.snapshot(orphans=1))
    metrics.show(run.snapshot(orphans=2))
    assert samples(page(metrics))["sipcause_orphan_responses_total"][()] == 2


def test_a_page_is_of_one_moment_while_the_tally_goes_on(metrics: Metrics) -> None:
    run = Run().add(1, **FAILED)
    metrics.show(run.snapshot())
    run.add(5, **FAILED).add(3, **{**FAILED, "failed_by_ip": "192.0.2.77"})
    found = samples(page(metrics))
    assert found["sipcause_calls_total"]["failed",] == 1
    assert found["sipcause_endpoint_failures_total"]["192.0.2.9", "", ""] == 1
    assert found["sipcause_kpi_numerator_total"]["failures",] == 1


def test_aliases_and_networks() -> None:
    config = Config(Settings(aliases=Aliases(endpoints={"192.0.2.9": 'SBC "1"'})))
    metrics = Metrics("127.0.0.1:0", REGISTRY, config)
    try:
        run = Run().add(1, **FAILED)
        metrics.show(run.snapshot())
        assert ("192.0.2.9", 'SBC "1"', "") in samples(page(metrics))["sipcause_endpoint_failures_total"]
        metrics.show(run.add(1, **FAILED, network=12).snapshot())
        assert ("192.0.2.9", 'SBC "1"', "12") in samples(page(metrics))["sipcause_endpoint_failures_total"]
    finally:
        metrics.close()


def test_strangers_cannot_add_series(metrics: Metrics) -> None:
    run = Run().add(1, **FAILED)
    counts = run.tally.since_start
    counts.failures_by_code.update(range(1000))
    counts.by_cause.update(range(300))
    for number in range(5000):
        counts.endpoints[f"10.1.{number // 250}.{number % 250}", None] = [1, 0, 0, 0]
    odd = {
        "requests": [request(f"X{n}", 1) for n in range(2000)],
        "responses": [response(code, 1, f"X{code}") for code in range(100, 1000)],
        "issues": {f"odd.{n}": 1 for n in range(500)},
    }
    for _ in range(8):
        metrics.show(run.snapshot(**odd))
        found = samples(page(metrics))
    sizes = {name: len(values) for name, values in found.items()}
    assert sizes["sipcause_requests_total"] == 1
    assert sizes["sipcause_call_failures_total"] < 200
    assert sizes["sipcause_unsuccessful_calls_total"] == 128
    assert sizes["sipcause_responses_total"] < 200
    assert sizes["sipcause_issues_total"] == 1
    assert sizes["sipcause_endpoint_calls_made_total"] <= 3 * NAMED_EVER + 1
    assert sum(found["sipcause_endpoint_calls_made_total"].values()) == 5001


def test_to_show_copies_no_list() -> None:
    # Thousands of endpoints, once a second in the loop: their lists are shared, and never changed by the tally.
    run = Run().add(2, **FAILED)
    counts = run.tally.since_start
    shown = Numbers.of(run.snapshot()).counts
    assert shown == counts
    held = {endpoint: (series, list(series)) for endpoint, series in shown.endpoints.items()}
    assert all(counts.endpoints[endpoint] is series for endpoint, (series, _) in held.items())
    run.add(2, **FAILED)
    assert all(series == before for series, before in held.values())
    assert shown != counts


def test_counters_of_endpoints_never_go_backwards_and_add_up() -> None:
    """Endpoints come, rise above the named ones, vanish into *other* and come back."""
    chance = random.Random(5)
    for _ in range(20):
        named, counts = NamedEndpoints(4), Counts()
        shown: dict[Endpoint, list[int]] = {}
        calls = [0, 0, 0, 0]
        for _ in range(60):
            for _ in range(chance.randrange(6)):
                new = [chance.randrange(3), chance.randrange(5), 0, chance.randrange(4)]
                added = Counts(endpoints={(f"192.0.2.{int(chance.expovariate(0.1))}", chance.choice([None, 5])): new})
                counts.add(added, room=12)
                calls = [a + b for a, b in zip(calls, new, strict=True)]
            before, shown = shown, named.update(dict(counts.endpoints))
            assert list(shown)[-1] == OTHER
            assert len(shown) <= 4 * NAMED_EVER + 1
            assert [sum(column) for column in zip(*shown.values(), strict=True)] == calls
            assert set(before) <= set(shown)
            for endpoint, numbers in before.items():
                assert all(a <= b for a, b in zip(numbers, shown[endpoint], strict=True)), endpoint


def test_callers_leave_room_for_those_that_are_called() -> None:
    named = NamedEndpoints(2)
    for number in range(50):
        named.update({(f"10.0.0.{n}", None): [1 + n, 0, 0, 0] for n in range(number)})
    shown = named.update({("10.0.0.1", None): [3, 0, 0, 0], ("192.0.2.9", None): [0, 1, 1, 0]})
    assert shown["192.0.2.9", None] == [0, 1, 1, 0]
    assert len(shown) == 2 + 1 + 1


def asked(metrics: Metrics, method: str, path: str) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection(metrics.url.split("/")[2], timeout=5)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


def test_the_port_serves_nothing_else(metrics: Metrics) -> None:
    metrics.show(Run().snapshot())
    assert asked(metrics, "GET", "/metrics?x=1")[0] == 200
    assert asked(metrics, "HEAD", "/metrics")[:2] == (200, b"")
    for path in ("/", "/favicon.ico", "/metrics/", "/../etc/passwd", "http://192.0.2.1/metrics"):
        status, body, headers = asked(metrics, "GET", path)
        assert (status, body) == (404, b"sipcause: only GET /metrics\n")
        assert "Server" not in headers
    for method in ("POST", "PUT", "DELETE", "CONNECT", "BREW"):
        status, body, headers = asked(metrics, method, "/metrics")
        assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_openmetrics_for_who_asks_for_it(metrics: Metrics) -> None:
    metrics.show(full_run())
    connection = http.client.HTTPConnection(metrics.url.split("/")[2], timeout=5)
    connection.request("GET", "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    answer = connection.getresponse()
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert answer.read().endswith(b"# EOF\n")
    connection.close()


@pytest.mark.parametrize("octets", [b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"A" * 70_000, b""])
def test_rubbish_does_no_harm(metrics: Metrics, octets: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    metrics.show(Run().snapshot())
    host, port = place_of(metrics.url.split("/")[2])
    with socket.create_connection((host, port), timeout=5) as stranger:
        stranger.sendall(octets)
        stranger.shutdown(socket.SHUT_WR)
    assert asked(metrics, "GET", "/metrics")[0] == 200
    assert capfd.readouterr() == ("", "")


def test_askers_that_say_nothing_leave_the_loop_alone(metrics: Metrics) -> None:
    run = Run()
    metrics.show(run.snapshot())
    place = place_of(metrics.url.split("/")[2])
    silent = [socket.create_connection(place, timeout=5) for _ in range(AT_ONCE)]
    with socket.create_connection(place, timeout=5) as late:
        assert late.recv(1) == b""
    metrics.show(run.snapshot())
    for connection in silent:
        connection.close()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("127.0.0.1:9108", ("127.0.0.1", 9108)),
        ("0.0.0.0:1", ("0.0.0.0", 1)),
        ("[::1]:9108", ("::1", 9108)),
        ("[::]:65535", ("::", 65535)),
        (":9108", ("127.0.0.1", 9108)),
        ("9108", ("127.0.0.1", 9108)),
        ("localhost:9108", ("127.0.0.1", 9108)),
    ],
)
def test_places(text: str, place: tuple[str, int]) -> None:
    assert place_of(text) == place


@pytest.mark.parametrize("text", ["", "x", "::1:9108", "127.0.0.1", "127.0.0.1:", "h:9", "1.2.3.4:65536", "[x]:1", "٣"])
def test_places_that_are_none(text: str) -> None:
    with pytest.raises(AnalyzerError, match=r"write 127\.0\.0\.1:9108"):
        place_of(text)


def test_a_place_that_is_taken_is_one_line(metrics: Metrics) -> None:
    port = metrics.url.split("/")[2]
    with pytest.raises(AnalyzerError, match=rf"^--metrics {port}: Address already in use; choose another port$"):
        Metrics(port, REGISTRY, CONFIG)
    with pytest.raises(AnalyzerError, match=r"^--metrics 192\.0\.2\.1:9108: Cannot assign requested address"):
        Metrics("192.0.2.1:9108", REGISTRY, CONFIG)


def test_closing_ends_the_thread_and_frees_the_port(metrics: Metrics) -> None:
    metrics.show(Run().snapshot())
    assert [thread.daemon for thread in threading.enumerate() if thread.name == "metrics"] == [True]
    place = metrics.url.split("/")[2]
    metrics.close()
    metrics.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "metrics"]
    Metrics(place, REGISTRY, CONFIG).close()


def test_version_6() -> None:
    try:
        metrics = Metrics("[::1]:0", REGISTRY, CONFIG)
    except AnalyzerError:
        pytest.skip("no IPv6 here")
    metrics.show(Run().snapshot())
    assert samples(page(metrics))["sipcause_build_info"]
    metrics.close()
