"""The page refers to nothing outside of itself, escapes what it was told, tells no secret, and is small and quick."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from time import process_time

import pytest

from engine.app.postmortem.page.build import build_page
from engine.app.postmortem.page.html import Clock, Column, Markup, data, table, tag
from engine.app.postmortem.story import tell_story
from engine.app.postmortem.summary import render_summary, to_json
from engine.app.postmortem.veil import veil
from engine.codec.journal import render_control
from engine.model.control import Alarm, Halted, Lost
from engine.model.journal import Began, Ended, Noted
from engine.store.session import Player
from tests.app.postmortem import made

OPEN_NS, MINUTE_NS = made.OPEN_NS, made.MINUTE_NS
EVIL = "<script>alert('x')</script><img src=http://evil.example/x onerror=alert(1)>\u2028&amp;\"'"
VOID = {"meta", "link", "br"}
BYTES_MAX = 2_000_000
CPU_S_MAX = 5.0


class Reader(HTMLParser):
    """Reads a page: its elements, what they refer to, its text and its scripts. Anything that is not closed fails."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.scripts: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        (self.scripts if self.open and self.open[-1] == "script" else self.text).append(data)

    @property
    def said(self) -> str:
        return "".join(self.text)


def session(folder: Path, *, name: str = made.STRATEGY, words: str = "planned", minutes: int = 20) -> Path:
    """A session in which words that somebody else chose stand wherever such words can stand."""
    end_ns = OPEN_NS + minutes * MINUTE_NS
    controls = [Lost("iex", OPEN_NS + 1, words), Alarm("iex", OPEN_NS + 2, words), Halted(name, OPEN_NS + 3, words)]
    params = {
        "note": words,
        "api_key": "s3cr3t-of-a-param",
        "deep": {"webhook_url": "https-s3cr3t", "token": "t0ken-s3cr3t"},
    }
    return made.write_session(
        folder,
        market=made.make_market(("AAA", "B&B"), minutes, 40),
        records=[
            *(Noted(0, one.at_ns, "", render_control(one)) for one in controls),
            Began(0, OPEN_NS, name, 1),
            Ended(0, end_ns, name, "failed", words),
        ],
        tickets=[
            made.filled(1, "AAA", "10", "100.00", OPEN_NS + 5 * MINUTE_NS, strategy=name),
            made.filled(2, "AAA", "-10", "101.00", OPEN_NS + 6 * MINUTE_NS, strategy=name),
            made.filled(3, "B&B", "10", "150.00", OPEN_NS + 6 * MINUTE_NS, strategy=name),
        ],
        manifest=made.manifest_of(
            strategies=(Player(name=name, source=words, trades=True, params=params),),
            settings={"note": words, "password": "pa55-s3cr3t"},
            seeds={words: 5},
        ),
        end_ns=end_ns,
        closing={"ended_by": words, "error": words, "account": {"killed": words}, "feeds": [{"feed": words}]},
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return build_page(veil(tell_story(session(tmp_path_factory.mktemp("page") / "s")), {}))


def test_nothing_is_fetched_from_anywhere(page: str) -> None:
    reader = Reader(page)
    for name, attributes in reader.elements:
        for key, value in attributes.items():
            if key in {"src", "srcset", "action", "formaction", "poster", "data", "background", "ping", "manifest"}:
                raise AssertionError(f"<{name} {key}={value}>")
            if key == "href":
                assert value is not None
                assert value.startswith("#") or value == "data:,"
    assert not {"iframe", "object", "embed", "img", "base", "form"} & {name for name, _ in reader.elements}
    code = "".join(reader.scripts)
    assert not re.search(
        r"\b(fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon|importScripts)\b|\bimport\s*\(", code
    )
    assert "url(" not in page
    assert "@import" not in page
    assert set(re.findall(r"https?://[\w./-]+", page)) <= {
        "https://github.com/leeoniya/uPlot"
    }  # in the licence line of its script


def test_the_policy_allows_the_scripts_of_the_page_and_no_other(page: str) -> None:
    reader = Reader(page)
    (policy,) = [one["content"] for _, one in reader.elements if one.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    _, *scripts = reader.scripts
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "unsafe-inline" not in policy.partition("style-src")[0]
    assert not [key for _, one in reader.elements for key in one if key.startswith("on")]


def test_whatever_is_told_is_escaped(tmp_path: Path) -> None:
    reader = Reader(build_page(veil(tell_story(session(tmp_path / "s", name=f"n{EVIL}", words=EVIL)), {})))
    names = [name for name, _ in reader.elements]
    assert names.count("script") == 3
    assert "img" not in names
    assert reader.said.count("<script>alert('x')</script>") > 10
    charted = json.loads(reader.scripts[0])
    assert charted["equity"]["by"][0]["name"] == f"n{EVIL}"


def test_no_secret_is_on_the_page_in_the_summary_or_in_json(tmp_path: Path) -> None:
    words = "login with the-key-of-mine and the-s3cr3t-of-mine failed; secret=abc-s3cr3t PKTESTTESTTESTTEST99"
    keys = {"APCA_API_KEY_ID": "the-key-of-mine", "APCA_API_SECRET_KEY": "the-s3cr3t-of-mine"}
    story = veil(tell_story(session(tmp_path / "s", words=words)), keys)
    for told in (build_page(story), render_summary(story), json.dumps(to_json(story))):
        assert "login with" in told
        for secret in ("s3cr3t", "the-key-of-mine", "PKTESTTEST"):
            assert secret not in told


def test_every_part_can_be_reached_and_is_named(page: str) -> None:
    reader = Reader(page)
    ids = [one["id"] for _, one in reader.elements if "id" in one]
    assert len(ids) == len(set(ids))
    links = [value[1:] for name, one in reader.elements if name == "a" and (value := one.get("href"))]
    assert len(links) == 10
    assert set(links) <= set(ids)
    labelled = {one.get("aria-labelledby") for name, one in reader.elements if name == "section"}
    assert labelled <= set(ids)
    for name, one in reader.elements:
        if name == "div" and "data-chart" in one:
            assert one.get("role") == "img"
            assert one.get("aria-label")
    assert [one for name, one in reader.elements if name == "html"] == [{"lang": "en"}]
    assert sum(name == "caption" for name, _ in reader.elements) == sum(name == "table" for name, _ in reader.elements)


def test_what_a_trader_looks_for_is_there(page: str) -> None:
    said = Reader(page).said
    for text in (
        "Look at this trend failed once",
        "failed; failed once, the last: planned",
        "Sharpe",
        "Longest drawdown",
        "Profit factor",
        "Fill quality",
        "half spread",
        "Lag by kind of event",
        "p99.9",
        "+$10.00",
        "New York time",
        "line iex",
        "All settings",
    ):
        assert text in said, text


def test_charts_have_bounded_numbers_that_end_where_the_session_did(tmp_path: Path) -> None:
    folder = made.write_session(
        tmp_path / "s",
        market=made.make_market(("AAA",), 40, 100),
        tickets=[
            made.filled(number, "AAA", "1" if number % 2 else "-1", "100", OPEN_NS + number * made.NS)
            for number in range(1, 1401)
        ],
        end_ns=OPEN_NS + 40 * MINUTE_NS,
    )
    story = tell_story(folder)
    charted = json.loads(Reader(build_page(story)).scripts[0])
    assert charted["equity"]["total"][-1] == round(story.equity[-1], 2)
    assert charted["equity"]["t"][-1] == 40 * 60
    (price,) = charted["prices"]
    assert len(price["t"]) <= 901
    assert len(price["fills"]) + price["more"] == 1400
    assert all(low <= last <= high for low, last, high in zip(price["lo"], price["p"], price["hi"], strict=True))
    assert all(before < after for before, after in zip(price["t"], price["t"][1:], strict=False))


@pytest.mark.slow
def test_a_large_day_is_small_and_quick(tmp_path: Path) -> None:
    symbols = tuple(f"S{number:02}" for number in range(15))
    tickets = [
        made.filled(
            number, symbols[number // 2 % 15], "-5" if number % 2 else "5", "100", OPEN_NS + number * MINUTE_NS // 8
        )
        for number in range(3000)
    ]
    bad = [one for minute in range(390) for one in made.a_bad_line(OPEN_NS + minute * MINUTE_NS)]
    folder = made.write_session(
        tmp_path / "day",
        market=made.make_market(symbols, 390, 45),
        records=bad,
        tickets=tickets,
        end_ns=OPEN_NS + 390 * MINUTE_NS,
    )
    begun_s = process_time()
    text = build_page(veil(tell_story(folder), {}))
    assert process_time() - begun_s < CPU_S_MAX
    assert len(text.encode()) < BYTES_MAX
    Reader(text)


def test_sessions_with_nothing_to_draw_have_a_page_that_says_so(tmp_path: Path) -> None:
    empty = Reader(build_page(tell_story(made.write_session(tmp_path / "none", end_ns=OPEN_NS)))).said
    assert "holds no event of a market and no order" in empty
    watching = made.manifest_of(strategies=(Player(name="watch"),))
    watched = made.write_session(tmp_path / "w", market=made.make_market(("AAA",), 3, 30), manifest=watching)
    reader = Reader(build_page(tell_story(watched)))
    said = reader.said
    links = {value[1:] for name, one in reader.elements if name == "a" and (value := one.get("href"))}
    assert links <= {one.get("id") for _, one in reader.elements}
    assert "No strategy of this session trades" in said
    assert "only watches" in said
    crashed = made.write_session(tmp_path / "c", market=made.make_market(("AAA",), 3, 30), crashed=True)
    said = Reader(build_page(tell_story(crashed))).said
    assert "did not end in order" in said
    assert "no end recorded" in said


def test_data_cannot_end_its_script() -> None:
    value = {"a": "</script><!--\u2028 &"}
    assert not set("<>&\u2028") & set(data(value))
    assert json.loads(data(value)) == value


def test_attributes_and_cells_are_escaped() -> None:
    assert tag("a", "<b>", title='"><x') == '<a title="&quot;&gt;&lt;x">&lt;b&gt;</a>'
    assert tag("i", Markup("<b></b>"), hidden=True, cls=None) == "<i hidden><b></b></i>"
    assert "&lt;b&gt;" in table([Column("<b>", left=True)], [("<b>",)], "<b>")
    assert table([Column("x")], [], "nothing") == ""


def test_times_are_the_markets_and_have_the_day_where_there_are_several() -> None:
    assert Clock("America/New_York")(OPEN_NS) == "09:30:00"
    assert Clock("UTC", several_days=True)(OPEN_NS + 5_000_000, 3) == "03-02 14:30:00.005"
