"""Deferral under `trunkline serve`: the worker is started at need, survives what it must, and goes by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email import message_from_string
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from tests.flows.test_cli_serve import Served
from tests.support.caller import call
from tests.support.certificates import Authority
from tests.support.mail import PASSWORD, MailServer, running_mail_server
from tests.support.polling import eventually
from tests.support.processes import HANGS_S, ended
from tests.support.site import SILENCE, Site, reply

pytestmark = pytest.mark.row("F4")

REGISTRY = """version: 1
integrations:
  site:
    base_url: "{site}"
    auth: {{kind: none}}
    timeout: {{first_byte: 60s}}
    operations: [{{name: act, method: POST, path: /act, repeat: never}}]
"""


class Deferring(Served):
    """A supervised Trunkline with a key."""

    key = ""

    def task(self, task_id: str = "", *, method: str = "GET", body: Any = None) -> Any:
        headers = [("authorization", f"Bearer {self.key}"), ("content-type", "application/json")]
        target = f"/v1/tasks/{task_id}"
        if body is not None:
            target, method = "/api/proxy/site/act", "POST"
            headers.append(("x-trunkline-defer", "true"))
        data = None if body is None else json.dumps(body).encode()
        answer = call(self.facts("gateway.json")["port"], method, target, headers, data)
        assert answer.status in (200, 202), answer.body
        return answer.json["task"]

    def ended(self, task_id: str) -> Any:
        def look() -> Any:
            task = self.task(task_id)
            return task if task["ended_at"] else None

        return eventually(look, f"the end of {task_id}; it said: {self.said}", HANGS_S)


@pytest.fixture
def served(tmp_path: Path, site: Site) -> Iterator[Deferring]:
    it = Deferring(tmp_path)
    it.registry.write_text(REGISTRY.format(site=site.address))
    it.start()
    it.key = json.loads(it.run("keys", "create", "--name", "app", "--scope", "*", "--json").stdout)["key"]
    try:
        yield it
    finally:
        if it.process is not None and it.process.poll() is None:
            it.process.terminate()
            ended(it.process)


def test_the_worker_comes_with_the_first_task_and_ends_with_the_rest(served: Deferring, site: Site) -> None:
    assert served.pid("worker") == 0
    task_id = served.task(body={"n": 1})["id"]
    assert served.ended(task_id)["state"] == "done"
    assert served.pid("worker") > 0
    listed = served.run("tasks", "--json").stdout.splitlines()
    assert [(row["id"], row["state"]) for row in map(json.loads, listed)] == [(task_id, "done")]
    assert served.process is not None
    served.process.terminate()
    assert ended(served.process) == 0
    assert served.pid("worker") == 0
    assert "worker ended" not in served.said


def test_whatever_is_killed_comes_back_and_everything_runs_once(served: Deferring, site: Site) -> None:
    tasks = [served.task(body={"n": n})["id"] for n in range(10)]
    served.kill("worker")
    tasks += [served.task(body={"n": n})["id"] for n in range(10, 20)]
    eventually(lambda: "worker ended (killed by SIGKILL)" in served.said, "the supervisor to have seen it")
    assert served.process is not None
    served.process.kill()
    ended(served.process)
    served.start()
    states = [served.ended(task_id) for task_id in tasks]
    codes = {(task["state"], task["error"]["code"] if task["error"] else "") for task in states}
    assert codes <= {("done", ""), ("failed", "outcome_unknown")}
    ran = [seen.json["n"] for seen in site.seen]
    assert len(ran) == len(set(ran)), "an act happened twice"


def test_a_task_is_cancelled_from_the_command_line(served: Deferring, site: Site) -> None:
    site.script.append(SILENCE)
    task_id = served.task(body={"n": 1})["id"]
    eventually(lambda: site.seen, "the act to be under way")
    ran = served.run("tasks", "cancel", task_id)
    assert (ran.returncode, ran.stderr) == (0, f"{task_id} is cancelled.\n")
    assert served.ended(task_id)["state"] == "cancelled"
    site.reset()  # the vendor hangs up, so that nobody waits for its first byte any longer
    anew = served.run("tasks", "retry", task_id)
    assert anew.returncode == 0
    # The first act was sent under the same key and never answered, so nobody makes it again.
    done = served.ended(task_id)
    assert (done["state"], done["error"]["code"], site.seen) == ("failed", "outcome_unknown", [])


NOTIFY = """notify:
  email: [ops@example.com, lead@example.com]
  smtp: smtp://127.0.0.1:{port}
  smtp_user: trunkline
  smtp_secret: env:SMTP_PASSWORD
  sender: trunkline@example.com
"""


@pytest.fixture
def mail_server(tmp_path: Path) -> Iterator[MailServer]:
    """A submission server that knows one user and speaks of nothing without TLS; `SSL_CERT_FILE` makes it trusted."""
    authority = Authority(tmp_path)
    with running_mail_server(authority.server("127.0.0.1"), user="trunkline") as server:
        yield server


def test_the_end_of_a_deferred_call_is_told_by_mail(
    tmp_path: Path, site: Site, mail_server: MailServer
) -> None:
    it = Deferring(tmp_path)
    it.environ |= {"SSL_CERT_FILE": str(tmp_path / "test-authority.pem"), "SMTP_PASSWORD": PASSWORD}
    it.registry.write_text(REGISTRY.format(site=site.address) + NOTIFY.format(port=mail_server.port))
    it.start()
    try:
        it.key = json.loads(it.run("keys", "create", "--name", "app", "--scope", "*", "--json").stdout)["key"]
        site.script.extend([reply(b'{"id":"answer-words"}'), reply(b"{}", status="422 Unprocessable Entity")])
        done = it.task(body={"n": "request-words"})["id"]
        assert it.ended(done)["state"] == "done"
        failed = it.task(body={"n": 2})["id"]
        assert it.ended(failed)["state"] == "failed"
        mails = eventually(lambda: len(mail_server.mails) >= 2 and mail_server.mails, "both mails")
    finally:
        assert it.process is not None
        it.process.terminate()
        ended(it.process)

    assert [to for to, _ in mails] == [["ops@example.com", "lead@example.com"]] * 2
    letters = [message_from_string(text, policy=default) for _, text in mails]
    by_task = {
        next(one for one in (done, failed) if one in letter.get_content()): letter for letter in letters
    }
    assert set(by_task) == {done, failed}
    assert {letter["From"] for letter in letters} == {"trunkline@example.com"}
    assert "is done" in by_task[done]["Subject"] + by_task[done].get_content()
    assert "has failed" in by_task[failed]["Subject"] + by_task[failed].get_content()
    told = "".join(text for _, text in mails)
    assert "request-words" not in told, "whoever operates Trunkline need not see what is asked"
    assert "answer-words" not in told
    assert PASSWORD not in told + it.said
    assert set(mail_server.plain) == {"EHLO", "STARTTLS"}
