"""What is handed to Grafana and Prometheus speaks of metrics and labels that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from analyzer.ops.metrics_page import FAMILIES
from analyzer.stats.tally import ratios
from tests.ops.made import CONFIG, REGISTRY

CONTRIB = Path(__file__).parents[2] / "contrib"
DASHBOARD: dict[str, Any] = json.loads((CONTRIB / "grafana" / "sipcause.json").read_text("utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]
RULES = (CONTRIB / "prometheus" / "sipcause.rules.yml").read_text("utf-8")
_LABELS = re.compile(r"(sipcause_\w+)\{([^}]*)\}")


def check(text: str, added: frozenset[str]) -> None:
    """Metrics and labels of a text are those of the page; ``added``: labels that a scrape brings."""
    names = set(re.findall(r"(?<![:\w])sipcause_\w+", text))
    assert names <= set(FAMILIES)
    for name, selector in _LABELS.findall(text):
        labels = set(re.findall(r'(\w+)(?:=~|!~|!=|=)"', selector))
        assert labels <= {*FAMILIES[name].labels, *added}, (name, selector)
    for kpi in re.findall(r'kpi="(\w+)"', text):
        assert kpi in ratios(REGISTRY, CONFIG)


@pytest.mark.parametrize(("title", "query"), QUERIES)
def test_a_query_asks_for_what_there_is(title: str, query: str) -> None:
    assert re.search("sipcause_", query), title
    check(query, frozenset({"instance"}))
    assert "$instance" in query
    # Counters are asked for as rates; a division is by what is more than nothing.
    for name in re.findall(r"sipcause_\w+_total", query):
        assert re.search(rf"(rate|increase)\({name}", query)
    for divisor in query.split(" / ")[1:]:
        assert re.search(r"> 0\)", divisor)


def test_every_family_is_shown_somewhere() -> None:
    shown = {name for _, query in QUERIES for name in re.findall(r"sipcause_\w+", query)}
    # Frames are shown in octets; answered calls of an endpoint are for who asks.
    assert set(FAMILIES) - shown == {"sipcause_frames_total", "sipcause_endpoint_calls_answered_total"}


def test_every_panel_has_a_title_a_unit_and_a_place_of_its_own() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    covered: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & covered, panel["title"]
        assert place["x"] + place["w"] <= 24
        covered |= cells
        assert panel["title"]
        if panel["type"] != "row":
            assert panel["fieldConfig"]["defaults"]["unit"]
            assert panel["description"]
            assert all(target["datasource"]["uid"] == "${DS_PROMETHEUS}" for target in panel["targets"])


def test_variables() -> None:
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
    assert variables["DS_PROMETHEUS"]["type"] == "datasource"
    assert variables["instance"]["definition"] == "label_values(sipcause_build_info, instance)"
    used = set(re.findall(r"\$(?!__)\{?(\w+)", json.dumps(DASHBOARD)))
    assert used == set(variables)


def test_rules_ask_for_what_there_is() -> None:
    expressions = re.sub("(?m)^ +(summary|- record|- alert|- name):.*$", "", RULES)
    recorded = set(re.findall(r"record: (\S+)", RULES))
    assert set(re.findall(r"\w+:\w+:\w+", expressions)) == recorded
    check(expressions.replace("instance_kpi:sipcause", ""), frozenset({"instance", "job"}))


def test_the_examples_scrape_the_default_port() -> None:
    scrape = (CONTRIB / "prometheus" / "prometheus.yml").read_text("utf-8")
    assert "127.0.0.1:9108" in scrape
    assert "sipcause.rules.yml" in scrape
