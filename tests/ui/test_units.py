"""Sizes, durations, addresses and the like as people type them."""

from __future__ import annotations

from typing import Any

import click
import pytest

from analyzer.ui.cli.units import Duration, HostPort, Network, Ports, Size


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Size(), "64M", 64_000_000),
        (Size(), "64MB", 64_000_000),
        (Size(), "1.5g", 1_500_000_000),
        (Size(), "64Mi", 67_108_864),
        (Size(), "4096", 4096),
        (Size(), " 500 k", 500_000),
        (Duration(), "90s", 90.0),
        (Duration(), "90", 90.0),
        (Duration(), "1h30m", 5400.0),
        (Duration(), "2d", 172_800.0),
        (Duration(), "500ms", 0.5),
        (Duration(), "0.5h", 1800.0),
        (HostPort(), "0.0.0.0:9060", ("0.0.0.0", 9060)),
        (HostPort(), "[::1]:9060", ("::1", 9060)),
        (HostPort(), ":9060", ("", 9060)),
        (HostPort(), "9060", ("", 9060)),
        (HostPort(), "collector.example.net:1", ("collector.example.net", 1)),
        (Network(), "192.0.2.7", "192.0.2.7/32"),
        (Network(), "192.0.2.7/24", "192.0.2.0/24"),
        (Network(), "2001:db8::/32", "2001:db8::/32"),
        (Ports(), "5060,5061", (5060, 5061)),
        (Ports(), "5070, 5060-5062,5061", (5060, 5061, 5062, 5070)),
    ],
)
def test_good_texts(kind: click.ParamType[Any], text: str, value: object) -> None:
    assert kind.convert(text, None, None) == value
    assert kind.convert(kind.convert(text, None, None), None, None) == value


@pytest.mark.parametrize(
    ("kind", "text", "good"),
    [
        *((Size(), text, "64M") for text in ("", "x", "12Q", "-1", "1e9", "1,5M", "٣M", "99999999999999999999")),
        *((Duration(), text, "1h30m") for text in ("", "soon", "1y", "-5s", "h", "1h x", "٣s")),
        *((HostPort(), text, "0.0.0.0:9060") for text in (
            "", "0.0.0.0", "0.0.0.0:0", "0.0.0.0:65536", "::1:9060", "[::g]:1", "a b:1", "h:1x")),
        *((Network(), text, "192.0.2.0/24") for text in ("", "x", "192.0.2.0/33", "192.0.2")),
        *((Ports(), text, "5060,5061") for text in ("", "0", "65536", "5061-5060", "sip", "5060,,5061", "1-2-3")),
    ],
)  # fmt: skip
def test_bad_texts_are_wrong_usage_that_shows_good_ones(kind: click.ParamType[Any], text: str, good: str) -> None:
    with pytest.raises(click.BadParameter) as caught:
        kind.convert(text, None, None)
    assert good in caught.value.message


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        (Size(65_536), "10k", "65536"),
        (Duration(), "0", "more than 0"),
        (Duration(), "999999999d", "ten years"),
        (Ports(), "1-65535", "at most 1000"),
    ],
)
def test_what_is_out_of_bounds_says_which(kind: click.ParamType[Any], text: str, said: str) -> None:
    with pytest.raises(click.BadParameter, match=said):
        kind.convert(text, None, None)
