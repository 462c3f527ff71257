"""What is shipped to run gapless somewhere fits this gapless: its commands, its paths, its metrics."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from engine.app.cli import read_line
from engine.app.config.health import HealthSettings
from engine.app.health import signs
from engine.app.health.pulse import Pulse, Reading
from engine.app.health.server import serve_health
from engine.app.health.table import METRICS
from engine.core.health.verdict import Progress

NAMES = {row.name for row in METRICS}
LABELS = {row.name: set(row.labels) for row in METRICS}
SCRAPED = {"instance", "job"}
"""Labels that Prometheus adds."""
PROCESS = {"process_cpu_seconds_total", "process_resident_memory_bytes"}
"""Those of prometheus-client itself that are used."""


@pytest.fixture
def deploy(root: Path) -> Path:
    return root / "scripts" / "deploy"


def expressions(deploy: Path) -> Iterator[str]:
    """Every PromQL expression that is shipped."""
    for panel in json.loads((deploy / "grafana.json").read_text())["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    yield from re.findall(r"^ +expr: (.+)$", (deploy / "alert-rules.yml").read_text(), re.MULTILINE)


def test_every_metric_that_a_dashboard_or_a_rule_names_is_exported_with_these_labels(deploy: Path) -> None:
    used: set[str] = set()
    for expression in expressions(deploy):
        bare = re.sub(r'"[^"]*"', '""', expression)
        named = set(re.findall(r"\b(?:gapless|process)_\w+", bare))
        assert named or bare.startswith("up{"), expression
        assert named <= NAMES | PROCESS, expression
        used |= named
        for name, matchers in re.findall(r"\b(gapless_\w+)\{([^}]*)\}", bare):
            assert set(re.findall(r"(\w+)\s*=", matchers)) <= LABELS[name] | SCRAPED, expression
        for labels in re.findall(r"\bby \(([^)]*)\)", bare):
            known = SCRAPED.union(*(LABELS[name] for name in named))
            assert {label.strip() for label in labels.split(",")} <= known, expression
    assert len(used) > 25, "a dashboard that looks at nothing is none"


def test_what_a_rule_or_a_legend_says_names_labels_that_are_there(deploy: Path) -> None:
    text = (deploy / "alert-rules.yml").read_text()
    for rule in text.split("- alert: ")[1:]:
        names = re.findall(r"\bgapless_\w+", rule.partition("annotations:")[0])
        known = SCRAPED.union(*(LABELS[name] for name in names))
        assert set(re.findall(r"\$labels\.(\w+)", rule)) <= known, rule
        assert "severity: critical" in rule or "severity: warning" in rule
        assert "for:" in rule or not re.search(r"increase\(.* == 0", rule), "two scrapes behind a start are no increase"
    for panel in json.loads((deploy / "grafana.json").read_text())["panels"]:
        for target in panel["targets"]:
            names = re.findall(r"\bgapless_\w+", target["expr"])
            known = SCRAPED.union(*(LABELS[name] for name in names))
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= known, target


def test_the_dashboard_is_one_that_grafana_imports(deploy: Path) -> None:
    board = json.loads((deploy / "grafana.json").read_text())
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    variables = {f"${{{one['name']}}}" for one in board["templating"]["list"]}
    assert {panel["datasource"]["uid"] for panel in board["panels"]} <= variables
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        across = range(place["x"], place["x"] + place["w"])
        cells = {(x, y) for x in across for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells


def unit(deploy: Path) -> dict[str, list[str]]:
    """The settings of the systemd unit, each with all its values."""
    told: dict[str, list[str]] = {}
    for line in (deploy / "gapless.service").read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            told.setdefault(name, []).append(value)
    return told


def test_systemd_understands_the_unit(deploy: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd here")
    text = (deploy / "gapless.service").read_text()
    path = tmp_path / "gapless.service"
    path.write_text(text.replace("/opt/gapless/.venv/bin/gapless", sys.executable))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(path)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "gapless.service" not in done.stderr + done.stdout, done.stderr
    path.write_text(text.replace("WatchdogSec=30", "WatchdogSex=30"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(path)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "WatchdogSex" in done.stderr, "it looks"


def test_the_unit_starts_a_command_that_there_is_and_its_times_fit(deploy: Path) -> None:
    told = unit(deploy)
    (command,) = told["ExecStart"]
    read_line(command.split()[1:])
    assert told["Type"] == ["notify"]
    assert float(told["WatchdogSec"][0]) > 10 * HealthSettings().frozen_after_s
    assert {"2", "3", "5"} == set(told["RestartPreventExitStatus"][0].split()), "what a person has to mend"
    tried_s = int(told["StartLimitBurst"][0]) * float(told["RestartSec"][0])
    assert 600 <= tried_s <= float(told["StartLimitIntervalSec"][0]), "a venue that is away for minutes, and an end"
    assert told["SuccessExitStatus"] == ["143"]
    assert "XDG_STATE_HOME=/var/lib" in told["Environment"][0]
    assert told["StateDirectory"] == ["gapless"]
    assert told["User"] == ["gapless"]
    assert "DynamicUser" not in told, "its state lies below a folder of root's, where 'gapless top' does not get"


def test_every_port_is_the_same(deploy: Path) -> None:
    ports = {
        port
        for name in ("gapless.service", "Containerfile", "prometheus.yml")
        for port in re.findall(r"\b9\d{3}\b", (deploy / name).read_text())
    }
    assert ports == {"9464"}


def test_the_image_copies_what_is_there_runs_what_there_is_and_names_no_registry(deploy: Path, root: Path) -> None:
    text = (deploy / "Containerfile").read_text().replace("\\\n", " ")
    steps = [line.split(maxsplit=1) for line in text.splitlines() if re.match(r"[A-Z]+ ", line)]
    for step, rest in steps:
        if step == "COPY" and not rest.startswith("--from"):
            *sources, _ = rest.split()
            assert all((root / source).exists() for source in sources), rest
        if step == "FROM":
            assert "/" not in rest.split()[0], "whose registry that is is the builder's to say"
    entry, words = (json.loads(rest) for step, rest in steps if step in ("ENTRYPOINT", "CMD"))
    assert entry == ["gapless"]
    read_line(words)
    users = [rest for step, rest in steps if step == "USER"]
    assert users == ["10001"]
    assert not re.search(r"podman build (?!--format docker )", text), "without it the health check is left out"


def health_check(deploy: Path, port: int) -> int:
    """Run the image's health check against this port."""
    text = (deploy / "Containerfile").read_text()
    found = re.search(r"HEALTHCHECK .*?CMD (\[.*?\])$", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    _, *words = json.loads(found[1])
    words = [word.replace("9464", str(port)) for word in words]
    return subprocess.run(
        [sys.executable, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=60
    ).returncode


def test_the_images_health_check_sees_red(deploy: Path, hands: Any) -> None:
    def no_reading() -> Reading:
        raise AssertionError("nobody asks")

    async def build() -> Pulse:
        return Pulse(read=no_reading, frozen_after_s=2.0, clock_s=hands, progress=Progress(at_s=0.0))

    pulse = trio.run(build)
    with serve_health(pulse, host="127.0.0.1", port=0) as url:
        port = int(url.rpartition(":")[2])
        assert health_check(deploy, port) == 0
        hands.now_s += 10
        assert health_check(deploy, port) != 0
    assert health_check(deploy, port) != 0


def test_the_page_has_the_table_of_metrics(root: Path) -> None:
    page = (root / "HEALTH.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(gapless_\w+)` \| (.*?) ?\| (.*?) \|$", page, re.MULTILINE)
    assert [(name, tuple(re.findall(r"`(\w+)`", labels)), means) for name, labels, means in rows] == [
        (row.name, row.labels, row.means) for row in METRICS
    ]


def test_the_page_has_the_limits(root: Path) -> None:
    page = (root / "HEALTH.md").read_text(encoding="utf-8")
    told = {row[0]: float(row[1]) for row in re.findall(r"^\| `([^`]+)`.*? \| (\d+) s", page, re.MULTILINE)}
    assert told == {
        "loop": HealthSettings().frozen_after_s,
        "feed NAME": signs.LINE_WITHIN_S,
        "strategy NAME": signs.STUCK_WITHIN_S,
        "reconcile": signs.ROUND_WITHIN_S + 60,
        "order file": signs.DISK_WITHIN_S,
        "watch": signs.TICK_WITHIN_S,
    }
