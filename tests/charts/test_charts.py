"""The charts: what they say, that they stay readable at the extremes, and that their files are reproducible."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analyzer.batch import Ints
from analyzer.charts.causes import failures_by_cause
from analyzer.charts.endpoints import failures_by_endpoint
from analyzer.charts.outcomes import calls_by_outcome
from analyzer.charts.save import charts, save, save_charts, source_line
from analyzer.charts.style import Chart, ink_on, luminance
from analyzer.charts.traffic import aligned, responses_by_family
from analyzer.errors import OutputError
from analyzer.registry import load_registry
from analyzer.stats.calls import totals
from analyzer.stats.causes import causes
from analyzer.stats.endpoints import endpoints
from analyzer.vocab import Family
from tests.stats.made import SECOND, START, MadeAnalysis, MadeConfig, calls, capture

MINUTE = 60 * SECOND
REGISTRY = load_registry()
TRUNK = {
    "outcome": "failed", "status_code": 503, "cause": 34, "cause_from": "reason", "fault": "network",
    "failed_by_ip": "198.51.100.7",
}  # fmt: skip
SILENT = {"outcome": "timed_out", "cause": 18, "cause_from": "event", "failed_by_ip": "2001:db8::5"}
BUSY = {"outcome": "busy", "status_code": 486, "cause": 17, "cause_from": "profile"}


def timeline(**counts: list[int]) -> dict[Family, tuple[Ints, Ints]]:
    """Counts a minute by family, from START on."""
    return {
        Family(name): (START + MINUTE * np.arange(len(values), dtype=np.int64), np.array(values, dtype=np.int64))
        for name, values in counts.items()
    }


class Timed(MadeAnalysis):
    """A made analysis with a timeline."""

    family_timeline: Mapping[Family, tuple[Ints, Ints]] = {}
    timeline_bucket_ns = MINUTE


def texts(chart: Chart) -> list[str]:
    """Every text that stands in a chart."""
    chart.figure.draw_without_rendering()
    from matplotlib.text import Text

    return [text.get_text() for text in chart.figure.findobj(Text) if text.get_visible() and text.get_text()]


def test_outcomes_say_what_share_was_answered_and_failed() -> None:
    chart = calls_by_outcome(totals(calls({}, {}, BUSY, TRUNK)), "made")
    assert chart.alt == "50.0% of 4 calls were answered, 25.0% were failures. answered 2, busy 1, failed 1"
    assert {"answered", "busy", "failed", "2  (50.0%)", "made"} <= set(texts(chart))


def test_causes_name_the_largest_and_cumulate() -> None:
    chart = failures_by_cause(
        causes(calls(TRUNK, TRUNK, BUSY, {"outcome": "rejected", "status_code": 751}), REGISTRY), "made"
    )
    shown = texts(chart)
    assert "34 No circuit/channel available: 50.0% of 4 unsuccessful calls" in shown
    assert {"17 User busy", "no cause known", "read from Reason or ISUP", "derived from the SIP code"} <= set(shown)
    line = chart.figure.axes[1].lines[0]
    assert np.allclose(line.get_xdata(), [0.5, 0.75, 1.0])


def test_causes_beyond_the_twelfth_share_a_bar() -> None:
    rows = [{**BUSY, "cause": cause} for cause in range(1, 31)]
    shown = texts(failures_by_cause(causes(calls(*rows), REGISTRY), "made"))
    assert "18 other causes" in shown


def test_endpoints_name_who_originated_most() -> None:
    config: Any = MadeConfig(aliases={"198.51.100.7": "Carrier A"})
    chart = failures_by_endpoint(endpoints(calls(TRUNK, TRUNK, TRUNK, SILENT), config), "made")
    shown = texts(chart)
    assert "Carrier A (198.51.100.7) originated 75.0% of 4 charged failures" in shown
    assert {"503", "silence", "2001:db8::5"} <= set(shown)


def test_many_endpoints_and_codes_are_cut_and_said() -> None:
    rows = [{**TRUNK, "status_code": 500 + n, "failed_by_ip": f"198.51.100.{m}"} for n in range(30) for m in range(40)]
    config: Any = MadeConfig()
    shown = texts(failures_by_endpoint(endpoints(calls(*rows), config), "made"))
    assert "other" in shown
    assert any("25 more endpoints are not shown" in text for text in shown)


def test_traffic_names_the_peak_of_failures_in_local_time() -> None:
    line = timeline(success=[9] * 10, server_error=[0, 0, 0, 0, 7, 1, 0, 0, 0, 0], client_error=[0, 0, 0, 0, 2])
    chart = responses_by_family(line, MINUTE, START, START + 10 * MINUTE, ZoneInfo("Europe/Amsterdam"), "made")
    shown = texts(chart)
    assert "Responses from 300 on peak at Tue 17 Nov, 08:04: 9 in a minute, mostly 5xx server error" in shown
    assert "partly captured" not in shown


def test_buckets_at_the_edge_are_marked_as_partly_captured() -> None:
    line = timeline(success=[9] * 10)
    shown = texts(responses_by_family(line, MINUTE, START + SECOND, START + 9 * MINUTE + SECOND, UTC, "made"))
    assert "partly captured" in shown
    assert "No response from 300 on among 90" in shown
    buckets = aligned(line, MINUTE, START + SECOND, START + 9 * MINUTE + SECOND)[1]
    assert buckets.is_whole.tolist() == [False] + [True] * 8 + [False]


@pytest.mark.parametrize("span_days", [0, 1, 40, 4000, 100_000])
def test_any_span_gives_a_bounded_number_of_buckets(span_days: int) -> None:
    starts = np.array([0, span_days * 86_400 * SECOND], dtype=np.int64)
    bucket_ns, buckets = aligned({Family.SUCCESS: (starts, np.array([3, 4]))}, SECOND, 0, int(starts[1]))
    assert len(buckets.starts) <= 121
    assert int(buckets.counts[Family.SUCCESS].sum()) == 7
    assert bucket_ns % SECOND == 0


def test_gaps_in_a_timeline_are_empty_buckets() -> None:
    starts = START + MINUTE * np.array([0, 5], dtype=np.int64)
    _, buckets = aligned({Family.SUCCESS: (starts, np.array([1, 1]))}, MINUTE, START, START + 6 * MINUTE)
    assert buckets.counts[Family.SUCCESS].tolist() == [1, 0, 0, 0, 0, 1]


def test_an_empty_analysis_has_charts_that_say_so(tmp_path: Path) -> None:
    made = charts(Timed({}))
    assert [chart.alt for chart in made] == [
        "No responses",
        "No calls",
        "No unsuccessful calls",
        "No failures that an endpoint originated",
    ]
    assert len(save_charts(Timed({}), tmp_path)) == 8


def test_the_same_figures_give_the_same_octets(tmp_path: Path) -> None:
    for ending in ("svg", "png"):
        found = []
        for number in range(2):
            path = tmp_path / f"{number}.{ending}"
            save(calls_by_outcome(totals(calls({}, BUSY, TRUNK)), "made"), path)
            found.append(path.read_bytes())
        assert found[0] == found[1]
        assert b"33.3% of 3 calls were answered" in found[0], "the description is part of the file"


def test_names_from_outside_are_drawn_as_they_are(tmp_path: Path) -> None:
    config: Any = MadeConfig(aliases={"198.51.100.7": "$x_{1}$ 電話 <b>&\x1b"})
    chart = failures_by_endpoint(endpoints(calls(TRUNK), config), "made")
    save(chart, tmp_path / "odd.svg")
    save(chart, tmp_path / "odd.png")
    assert "\\x1b" in (ElementTree.parse(tmp_path / "odd.svg").findtext(".//{*}description") or "")
    assert (tmp_path / "odd.png").stat().st_size > 10_000


def test_a_folder_that_cannot_be_written_is_our_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        save(calls_by_outcome(totals(calls({})), "made"), tmp_path / "file" / "chart.png")


def test_the_source_line_names_captures_and_profile() -> None:
    analysis = Timed({}, captures=[capture(source=f"/data/{n}.pcap") for n in "abcd"])
    assert source_line(analysis) == "sipcause: a.pcap, b.pcap and 2 more; 168 SIP messages; causes by profile dss1"


def test_ink_is_readable_on_every_shade() -> None:
    import matplotlib as mpl

    for share in np.linspace(0, 1, 21):
        shade = mpl.colormaps["cividis"](share)
        lights = sorted([luminance(shade), 0.0 if ink_on(shade) == "black" else 1.0])
        assert (lights[1] + 0.05) / (lights[0] + 0.05) >= 4.5, "WCAG AA"
