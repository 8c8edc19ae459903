"""A backup brought back on another machine: what was answered is answered again, and nothing runs a second time by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.flows.test_deferral_serve import Deferring
from tests.support.caller import Answer, call
from tests.support.polling import eventually
from tests.support.processes import ended
from tests.support.site import SILENCE, Site, reply

pytestmark = pytest.mark.row("X6", "F2", "F4")

REGISTRY = """version: 1
integrations:
  site:
    base_url: "{site}"
    auth: {{kind: none}}
    operations: [{{name: act, method: POST, path: /act, repeat: never}}]
  late:
    base_url: "{site}"
    auth: {{kind: none}}
    operations: [{{name: act, method: POST, path: /act, repeat: never}}]
"""


@pytest.fixture
def started(site: Site) -> Iterator[Any]:
    running: list[Deferring] = []

    def start(it: Deferring) -> Deferring:
        running.append(it)
        if not it.registry.exists():
            it.registry.write_text(REGISTRY.format(site=site.address))
        it.start()
        return it

    yield start
    for it in running:
        stop(it)


def placed(folder: Path) -> Deferring:
    """Where an installation will be."""
    folder.mkdir()
    return Deferring(folder)


def stop(it: Deferring) -> None:
    if it.process is not None and it.process.poll() is None:
        it.process.terminate()
        ended(it.process)


def ask(it: Deferring, target: str, *headers: tuple[str, str], body: Any = None) -> Answer:
    lines = [("authorization", f"Bearer {it.key}"), ("content-type", "application/json"), *headers]
    data = json.dumps(body).encode() if body is not None else None
    return call(it.facts("gateway.json")["port"], "POST" if data else "GET", target, lines, data)


def test_a_backup_brings_back_answers_and_tasks_and_runs_nothing_twice(
    tmp_path: Path, site: Site, started: Any
) -> None:
    one = started(placed(tmp_path / "one"))
    one.key = json.loads(one.run("keys", "create", "--name", "app", "--scope", "*", "--json").stdout)["key"]
    keyed = ("idempotency-key", "order-17")
    site.script.extend([reply(b'{"id":"ch_1"}'), reply(b'{"id":"task_answer"}')])
    assert ask(one, "/api/proxy/site/act", keyed, body={"n": 1}).json == {"id": "ch_1"}
    done = one.task(body={"n": 2})["id"]
    assert one.ended(done)["state"] == "done"
    one.run("integrations", "disable", "late", "--reason", "wrong amounts")
    eventually(lambda: ask(one, "/api/proxy/late/x").status == 503, "it to be disabled")
    site.script.append(SILENCE)
    open_ = one.task(body={"n": 3})["id"]
    eventually(lambda: len(site.seen) == 3, "the third act to be at the vendor")

    made = one.run("backup", "b.tar", "--with-master-key")
    assert (made.returncode, "tasks.db" in made.stderr, "answers/" in made.stderr) == (0, True, True), (
        made.stderr
    )

    two = placed(tmp_path / "two")
    restored = two.run("restore", str(one.folder / "b.tar"))
    assert restored.returncode == 0, restored.stderr
    assert "1 deferred calls had not ended when the backup was made" in restored.stderr
    seen = len(site.seen)
    started(two)
    two.key = one.key

    again = ask(two, "/api/proxy/site/act", keyed, body={"n": 1})
    assert (again.json, again.field("x-trunkline-idempotent-replay")) == ({"id": "ch_1"}, "true")
    other = ask(two, "/api/proxy/site/act", keyed, body={"n": 9})
    assert other.status == 422
    task = two.task(done)
    assert (task["state"], task["answer"]["body"]) == ("done", {"id": "task_answer"})
    cut = two.task(open_)
    assert (cut["state"], cut["error"]["message"]) == (
        "cancelled",
        "cancelled by the restore of a backup, since it may have run after that was made",
    )
    assert ask(two, "/api/proxy/late/x").json["code"] == "disabled", "what was killed stays dead"
    logged = two.run("logs", "--json").stdout.splitlines()
    assert {json.loads(line)["operation"] for line in logged} >= {"act"}
    assert len(site.seen) == seen, "nothing ran by itself"


def test_a_restore_in_place_forgets_no_key_that_was_used_since(
    tmp_path: Path, site: Site, started: Any
) -> None:
    one = started(placed(tmp_path / "one"))
    one.key = json.loads(one.run("keys", "create", "--name", "app", "--scope", "*", "--json").stdout)["key"]
    assert one.run("backup", "b.tar").returncode == 0
    keyed = ("idempotency-key", "after-the-backup")
    site.script.append(reply(b'{"id":"ch_1"}'))
    ask(one, "/api/proxy/site/act", keyed, body={"n": 1})
    stop(one)
    restored = one.run("restore", "b.tar", "--replace")
    assert restored.returncode == 0, restored.stderr
    started(one)
    again = ask(one, "/api/proxy/site/act", keyed, body={"n": 1})
    assert (again.json, again.field("x-trunkline-idempotent-replay"), len(site.seen)) == (
        {"id": "ch_1"},
        "true",
        1,
    )
