"""The one table of failures: every way in which a call can fail is a row of `KINDS`, and every question about failures is a column.

Not for: deciding which kind a vendor's answer is (`engine/classify.py`), nor the bodies that callers see (`engine/shape.py`).
To ask a new question of failures, add a column; never a second table.
"""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """One kind of failure.

    `status`: HTTP status when we must choose one (refusals of our own, `normalized`). `again`: may an attempt at the same
    target be made again within this call? `trips`: does it count against the target's breaker? `elsewhere`: could another
    target succeed? `acted`: may the vendor have carried out the request? `later`: could the same request succeed later
    (the `retryable` of the answer)? `who` must act: `wait`, `caller`, `operator`, `vendor`. `action`: what they should do.
    """

    code: str
    status: int
    again: bool
    trips: bool
    elsewhere: bool
    acted: bool
    later: bool
    who: str
    action: str


def _table(*rows: tuple[str, int, str, str, str]) -> dict[str, Kind]:
    """Rows are (code, status, flags, who, action); flags: a=again t=trips e=elsewhere x=may have acted l=later."""
    return {
        code: Kind(
            code, status, "a" in flags, "t" in flags, "e" in flags, "x" in flags, "l" in flags, who, action
        )
        for code, status, flags, who, action in rows
    }


KINDS: dict[str, Kind] = _table(
    # What vendors answer. `x` stands only where an act may have been carried out although the answer is a failure.
    ("rate_limited", 429, "ael", "wait", "Wait until retryAt, or lower the rate of calls."),
    ("concurrency_limited", 429, "ael", "wait", "Wait until one of the running calls has ended."),
    ("quota_exhausted", 429, "el", "wait", "Wait until the quota resets, raise it, or use another vendor."),
    ("spend_exhausted", 402, "e", "operator", "Add credit or raise the spending limit at the vendor."),
    ("billing", 402, "e", "operator", "Settle the billing problem in the vendor's console."),
    ("overloaded", 503, "atexl", "wait", "Try again shortly, or use another vendor meanwhile."),
    ("slow_down", 429, "el", "wait", "Cut the rate of calls and raise it again slowly over about 15 minutes."),
    ("auth_invalid", 502, "e", "operator", "Replace the credential of this integration; the vendor refuses it."),
    ("permission_denied", 403, "e", "operator", "Give the credential the permission, scope or region that it lacks."),
    ("invalid_request", 400, "", "caller", "Correct the request; the message says which part is wrong."),
    ("request_too_large", 413, "e", "caller", "Send fewer bytes, or split the request."),
    ("context_too_long", 400, "e", "caller", "Shorten the input, or use a model with a larger context window."),
    ("content_policy", 400, "e", "caller", "Change the content; the vendor's policy does not allow it."),
    ("not_found", 404, "e", "caller", "Check the path and the id; the vendor does not know it."),
    ("model_gone", 404, "e", "operator", "Choose a model that the vendor still serves."),
    ("conflict", 409, "l", "caller", "Read the present state of the object, then decide."),
    ("idempotency_conflict", 422, "", "caller", "Use a new idempotency key for a different request."),
    ("timeout_upstream", 504, "atexl", "wait", "Try again; for an act, first look whether it happened."),
    ("server_error", 502, "atexl", "vendor", "Try again; if it stays, see the vendor's status page."),
    ("not_ready", 503, "ael", "wait", "Wait until the model is loaded (retryAt)."),
    ("network", 502, "atexl", "wait", "Try again; the connection to the vendor failed."),
    ("malformed_response", 502, "atex", "vendor", "Look at the saved sample; the vendor's answer has a new shape."),
    ("task_failed", 502, "ex", "caller", "Read the vendor's reason, then start the task anew."),
    ("cancelled", 499, "x", "caller", "Nothing to do; the call was cancelled."),
    ("declined", 402, "", "caller", "The vendor said no for a business reason; ask the customer."),
    ("outcome_unknown", 502, "tx", "operator", "Look at the vendor whether it happened; never repeat it blindly."),
    # What Trunkline itself refuses or cannot do (source: trunkline). None of these reached a vendor.
    ("unauthenticated", 401, "", "caller", "Send a valid Trunkline key, e.g. `Authorization: Bearer tl_...`."),
    ("forbidden", 403, "", "caller", "Use a key whose scopes allow this, or have its scopes widened."),
    ("unknown_route", 404, "", "caller", "Check the path; `trunkline integrations` lists what can be called."),
    ("unknown_model", 404, "", "caller", "Use a model from `GET /v1/models`."),
    ("caller_rate_limited", 429, "l", "wait", "Wait until retryAt, or have the limit of this key raised."),
    ("over_budget", 402, "", "operator", "Raise the budget, or wait for its next period."),
    ("unpriced", 402, "", "operator", "Give this model a price in the registry."),
    ("circuit_open", 503, "el", "wait", "Wait until retryAt; the vendor failed too often just now."),
    ("queue_full", 503, "el", "wait", "Try again later; too many calls wait for this vendor."),
    ("queue_timeout", 503, "el", "wait", "Try again later; the wait for a free place was too long."),
    ("deadline_exceeded", 504, "xl", "caller", "Give the call more time, or ask for less."),
    ("data_blocked", 422, "", "caller", "Leave out the data that this route does not take; the message names its category."),
    ("secret_unavailable", 503, "el", "operator", "Set the missing secret; the message names its reference."),
    ("misconfigured", 503, "e", "operator", "Correct the registry; the message names the item."),
    ("disabled", 503, "e", "operator", "Enable the integration again once it may be called: `trunkline integrations enable`."),
    ("store_unavailable", 503, "l", "operator", "Free disk space; the call could not be recorded."),
    ("not_cached", 504, "", "caller", "Make the call without `only-if-cached`, so that the vendor is asked."),
    ("idempotency_in_progress", 409, "l", "wait", "Wait for the first request with this key to end."),
    ("shed", 503, "l", "wait", "Try again shortly; this process has more work than it can do in time."),
    ("shutting_down", 503, "l", "wait", "Try again; the process is restarting."),
    ("internal", 500, "", "operator", "Report this with its correlation id; it is a defect of Trunkline."),
)  # fmt: skip


class CallError(Exception):
    """A call or an attempt failed with one kind of failure. `source` is the integration's name, or `trunkline`.

    `retry_at` is epoch seconds UTC. `vendor_*` stem from the vendor's answer; `body`, `status` and `fields` are that answer
    itself where there was one. `message` is shown to people and must hold no secret. `scope` says what the failure is about,
    e.g. `key`, `integration`, `model`, `account`. `retry_after_s` is a delay told by the vendor where no instant is known.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        source: str = "trunkline",
        retry_at: float | None = None,
        scope: str = "",
        vendor_status: int = 0,
        vendor_code: str = "",
        vendor_request_id: str = "",
        param: str = "",
        confidence: str = "rule",
        never_acted: bool = False,
        again: bool | None = None,
        later: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = KINDS[code]
        self.code = code
        self.message = message
        self.source = source
        self.retry_at = retry_at
        self.scope = scope
        self.vendor_status = vendor_status
        self.vendor_code = vendor_code
        self.vendor_request_id = vendor_request_id
        self.param = param
        self.confidence = confidence
        self.again = self.kind.again if again is None else again
        """Whether this failure may be tried again at the same target: the kind's column unless the vendor said otherwise."""
        self.retryable = self.kind.later if later is None else later
        """Whether the same request could succeed later: the kind's column unless the vendor said otherwise."""
        self.never_acted = never_acted
        """True where it is proved that the vendor did nothing: no byte was sent, or a rule of this vendor says so."""
        self.status = 0
        self.fields: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.lines = b""
        """Our header lines that go with this refusal, e.g. how long the line is."""

    @property
    def may_have_acted(self) -> bool:
        """Whether the vendor may have carried out the request although no success was seen."""
        return self.kind.acted and not self.never_acted

    def twin(self) -> CallError:
        """The same failure for another call: one object must not be raised by two."""
        twin = CallError.__new__(CallError)
        twin.__dict__.update(self.__dict__)
        twin.args = self.args
        return twin

    def __repr__(self) -> str:
        return f"CallError({self.code!r}, {self.message!r}, source={self.source!r})"
