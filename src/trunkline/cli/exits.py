"""The exit codes of every command, and which failure leads to which. The reference page is generated from here.

Failures are named, not imported: knowing them all would cost the start of every command.
"""

from __future__ import annotations

OK = 0
FAILED = 1
USAGE = 2
INVALID = 3
AUTH = 4
UPSTREAM = 5
BUDGET = 6
UNAVAILABLE = 7
INTERRUPTED = 130

MEANINGS = {
    OK: "done",
    FAILED: "failed; also: `check` or `doctor` found something",
    USAGE: "the command was given wrongly",
    INVALID: "registry, settings, master key or state are invalid",
    AUTH: "not allowed: no key, a wrong key, or one without the scope; not in production",
    UPSTREAM: "the vendor failed or refused",
    BUDGET: "a budget is used up",
    UNAVAILABLE: "Trunkline, or a part of it, is not running or cannot answer now",
    INTERRUPTED: "interrupted (Ctrl-C)",
}

BY_FAILURE = {
    "SettingsInvalid": INVALID,
    "RegistryInvalid": INVALID,
    "MasterKeyProblem": INVALID,
    "StateProblem": INVALID,
    "SchemaRefused": INVALID,
    "WishInvalid": USAGE,
    "LockInvalid": INVALID,
    "DescriptionInvalid": INVALID,
    "ChecksInvalid": INVALID,
    "CassetteInvalid": INVALID,
    "ContractProblem": FAILED,
    "KeyProblem": FAILED,
    "TeamProblem": FAILED,
    "UserProblem": FAILED,
    "SessionProblem": FAILED,
    "AnchorProblem": FAILED,
    "ReviewProblem": FAILED,
    "UnknownProblem": FAILED,
    "TaskProblem": FAILED,
    "TraceProblem": FAILED,
    "SecretProblem": FAILED,
    "ProcessProblem": FAILED,
    "ValueProblem": FAILED,
    "MergeRefused": FAILED,
    "BaselineInvalid": INVALID,
    "FaultProblem": FAILED,
    "ClaimRefused": FAILED,
    "AlertProblem": FAILED,
    "FindingProblem": FAILED,
    "IncidentProblem": FAILED,
    "RunbookProblem": FAILED,
    "ArchiveProblem": FAILED,
    "SecretUnavailable": UNAVAILABLE,
    "OperationalError": UNAVAILABLE,
    "NotRunning": UNAVAILABLE,
    "NotInProduction": AUTH,
    "StageProblem": UNAVAILABLE,
}
"""Class name of an exception -> exit code. Its text is shown as it is; what is not named here is a defect."""


def of_answer(status: int, source: str, code: str) -> int:
    """The exit code for an HTTP answer through the gateway. `source` is `trunkline` or the vendor, empty when unknown."""
    if status < 400 and not code:
        return OK
    if code in ("over_budget", "spend_exhausted", "unpriced"):
        return BUDGET
    if source == "trunkline":
        if code in ("unauthenticated", "forbidden"):
            return AUTH
        if status >= 500 or code in ("caller_rate_limited", "shutting_down"):
            return UNAVAILABLE
        return FAILED
    return UPSTREAM
