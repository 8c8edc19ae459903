from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.core.codec import to_json
from trunkline.core.flow import Drills
from trunkline.core.service import Snapshot
from trunkline.gateway.besides import Besides
from trunkline.ops.drill.last import FILE, Last
from trunkline.ops.incidents import published
from trunkline.ops.incidents.incident import Incident

pytestmark = pytest.mark.row("F12")
NOW = 1_800_000_000.0
SNAPSHOT = Snapshot(version="v", created="", environment="dev", services=[], drills=Drills(every=86400.0))
FAULT = {"integration": "openai", "fault": "overloaded", "share": 0.25, "until": None}


def test_where_nothing_is_set_and_nobody_drills_there_is_nothing_to_tell(tmp_path: Path) -> None:
    bare = Snapshot(version="v", created="", environment="dev", services=[])
    assert Besides(tmp_path, list, lambda: NOW).told(bare) == {"findings": []}


def test_faults_and_the_last_drill_are_told_with_their_findings(tmp_path: Path) -> None:
    besides = Besides(tmp_path, lambda: [FAULT], lambda: NOW)
    (tmp_path / FILE).write_bytes(
        to_json(Last(at=NOW - 10 * 86400, result="fail", counts={"fail": 1}, report="r.md"))
    )
    assert besides.watched.look()
    told = besides.told(SNAPSHOT)
    assert told["faults"] == [FAULT]
    assert (told["drills"]["last"]["result"], told["drills"]["overdue"]) == ("fail", True)
    assert [one["code"] for one in told["findings"]] == ["fault-set", "drill-failed", "drill-overdue"]
    assert "25%" in told["findings"][0]["message"]


@pytest.mark.row("H3")
def test_incidents_that_are_open_are_told_as_the_console_has_published_them(tmp_path: Path) -> None:
    besides = Besides(tmp_path, list, lambda: NOW)
    incident = Incident(
        id="inc_1", integration="stripe", cause="vendor", state="open", severity="critical", status="down",
        title="stripe is down", reason="", began_at=NOW, opened_at=NOW,
    )  # fmt: skip
    published.write(tmp_path, [incident])
    assert any(one.look() for one in besides.more)
    told = besides.told(SNAPSHOT)["incidents"]
    assert [(one["id"], one["integration"], one["severity"]) for one in told] == [
        ("inc_1", "stripe", "critical")
    ]
    published.write(tmp_path, [])
    assert any(one.look() for one in besides.more)
    assert "incidents" not in besides.told(SNAPSHOT)
