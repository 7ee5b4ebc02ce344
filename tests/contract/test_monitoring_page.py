"""The page on monitoring and the alarms speak of what is measured, and of all of it."""

import re
from pathlib import Path

from alone import make_alone
from prometheus_client import generate_latest

from edoc.devpki.hierarchy import DevPki
from edoc.node.node import Node
from worker.metrics import Meters

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "monitoring.md"
RULES = ROOT / "deploy" / "prometheus" / "edoc.rules.yml"
NAME = re.compile(r"edoc_[a-z_]+")
SHOWN_LATER = {"edoc_anchor_age_seconds"}
"""Not before the first anchor."""


def test_page_and_alarms_name_what_is_measured_and_every_alarm_has_its_answer(
    tmp_path: Path, pki: DevPki
) -> None:
    folder = make_alone(tmp_path, pki)
    with Node.open(folder) as node:
        told = generate_latest(Meters(node).registry).decode()
    measured = {line.split()[2] for line in told.splitlines() if line.startswith("# TYPE")}
    measured = {name for name in measured if not name.endswith("_created")}
    page, rules = PAGE.read_text(encoding="utf-8"), RULES.read_text(encoding="utf-8")
    assert set(NAME.findall(page)) - SHOWN_LATER == measured
    assert set(NAME.findall(rules)) <= measured | SHOWN_LATER
    for alarm in re.findall(r"alert: (\w+)", rules):
        assert alarm in page
