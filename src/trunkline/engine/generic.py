"""What codes, texts and statuses mean where the vendor's own rules say nothing: data for the classifier.

Codes are compared without case and punctuation, so `RateLimitExceeded` and `rate_limit_exceeded` are one.
Texts are searched in the extracted message only, and only where the status allows their meaning. Not for: one
vendor's peculiarities (its catalog file).
"""

from __future__ import annotations

import re


def plain(code: str) -> str:
    """A code as it is compared: lower case letters and digits."""
    return _NOISE.sub("", code.lower())


_NOISE = re.compile(r"[^a-z0-9]")


def _codes(**kinds: str) -> dict[str, str]:
    return {plain(code): kind for kind, codes in kinds.items() for code in codes.split()}


CODES: dict[str, str] = _codes(
    rate_limited="""rate_limit_exceeded rate_limited ratelimited rate_limit rate_limits rate_limit_error
        rate_limit_reached rate_limit_exceeded_error user_rate_limit_exceeded
        user_rate_limit_exceeded_error too_many_requests too_many_requests_exception throttled
        throttling throttling_exception throttling_error throttled_exception request_throttled
        request_throttled_exception provisioned_throughput_exceeded_exception request_limit_exceeded
        bandwidth_limit_exceeded ec2_throttled_exception priority_request_not_complete
        prior_request_not_complete 1015 abnormal_usage_detected resource_exhausted""",
    concurrency_limited="""too_many_concurrent_requests concurrency_limit_exceeded concurrent_limit_exceeded
        max_concurrency_exceeded transaction_in_progress_exception concurrent_requests_limit_exceeded""",
    quota_exhausted="""quota_exceeded quota_exhausted daily_limit_exceeded service_quota_exceeded_exception
        limit_exceeded_exception monthly_limit_exceeded usage_limit_exceeded usage_limit_reached
        message_limit_exceeded""",
    spend_exhausted="""insufficient_quota credit_balance_exhausted organization_spend_limit_exceeded
        project_spend_limit_exceeded organization_usage_limit_exceeded billing_hard_limit_reached
        insufficient_balance insufficient_credits insufficient_credit insufficient_funds_error
        enforced_spend_limit_reached credits_exhausted out_of_credits spend_limit_exceeded
        budget_exceeded""",
    billing="""billing_error billing_not_active payment_required asr_payment_required billing_disabled
        shop_inactive account_inactive_billing""",
    overloaded="""overloaded overloaded_error server_is_overloaded engine_overloaded service_unavailable
        service_unavailable_error service_unavailable_exception unavailable capacity_exceeded
        system_busy server_busy service_overload service_overloaded temporarily_unavailable
        temporary_reduced_capacity model_overloaded database_connection_unavailable busy""",
    slow_down="slow_down",
    auth_invalid="""invalid_api_key api_key_invalid authentication_error authentication unauthorized unauthenticated
        unauthorised invalid_auth not_authed token_revoked token_expired expired_token
        expired_token_exception invalid_token invalid_grant invalid_client bad_credentials
        invalid_access_key_id signature_does_not_match request_time_too_skewed request_expired
        incomplete_signature invalid_signature_exception missing_authentication_token
        missing_authentication_token_exception unrecognized_client_exception invalid_client_token_id
        auth_failure not_authorized_exception invalid_authentication authentication_failed
        invalid_credentials api_key_expired""",
    permission_denied="""permission_error permission_denied access_denied access_denied_exception forbidden
        insufficient_permissions missing_scope missing_scopes no_permission
        unsupported_country_region_territory service_disabled consumer_suspended restricted_resource
        unauthorized_client invalid_scope not_authorized gated_repo blocked 1020 authorization_error
        insufficient_scope insufficient_permission""",
    request_too_large="""request_too_large payload_too_large request_entity_too_large entity_too_large content_too_large
        file_too_large""",
    context_too_long="""context_length_exceeded context_window_exceeded model_context_window_exceeded
        max_tokens_exceeded""",
    content_policy="""content_policy_violation moderation_blocked content_filter content_filtered
        responsible_ai_policy_violation content_policy content_filter_policy content_moderation
        sensitive_content input_blocked output_blocked guardrail_intervened""",
    model_gone="""model_not_found model_decommissioned model_not_available unknown_model model_deprecated
        deployment_not_found model_not_exist invalid_model""",
    not_found="""not_found_error object_not_found resource_not_found resource_not_found_exception no_such_key
        no_such_bucket repo_not_found entry_not_found revision_not_found no_such_entity""",
    conflict="""conflict conflict_error already_exists aborted operation_aborted conditional_request_conflict
        concurrent_modification_exception""",
    idempotency_conflict="""idempotency_error idempotency_key_in_use idempotency_key_reused idempotency_conflict""",
    timeout_upstream="""timeout_error deadline_exceeded request_timeout request_timeout_exception gateway_timeout
        model_timeout_exception upstream_timeout 522 524""",
    server_error="""internal_error internal_server_error internal_server_exception internal_failure fatal_error
        internal data_loss database_error model_error_exception model_stream_error_exception 520 521 523
        525 526""",
    not_ready="model_not_ready_exception model_loading not_ready authorization_pending",
    cancelled="cancelled canceled client_closed_request",
    declined="card_error card_declined",
)
"""Codes that mean the same wherever they appear."""

VAGUE: dict[str, str] = _codes(
    rate_limited="requests tokens",
    invalid_request="""invalid_request_error invalid_request invalid_argument failed_precondition out_of_range
        bad_request validation_error validation_exception invalid_json malformed_json missing_parameter
        unprocessable_entity unimplemented parameter_unknown missing_version unsupported_value
        unsupported_grant_type invalid_parameter invalid_params validation invalid_action
        string_above_max_length decimal_above_max_value max_cost_exceeded""",
    not_found="not_found",
    server_error="unknown_error server_error api_error unknown",
)
"""Codes that a text or the status may narrow down."""

_CONTEXT = r"""
    exceeds?\ (?:the\ )?(?:model'?s?\ )?(?:maximum\ )?(?:available\ )?context\ (?:limit|length|window|size)
    | this\ model's\ maximum\ context\ length\ is | maximum\ context\ length
    | model's\ maximum\ context\ limit | string\ too\ long\.\ expected\ a\ string\ with\ maximum\ length
    | is\ longer\ than\ the\ model's\ context\ length | input\ tokens\ exceed\ the\ configured\ limit
    | `?inputs`?\ tokens\ \+\ `?max_new_tokens`?\ must\ be
    | exceeds\ the\ maximum\ number\ of\ tokens\ allowed | current\ length\ is\ .{1,40}\ while\ limit\ is
    | maximum\ input\ length\ is\ .{1,40}\ tokens | prompt\ is\ too\ long | prompt:\ length
    | too\ many\ tokens:\ total | input\ is\ too\ long
    | too\ large\ for\ model\ with\ \d+\ maximum\ context\ length | context\ window\ (?:is\ )?exceeded
"""
_POLICY = r"""
    content_policy_violation | responsibleaipolicyviolation | content\ management\ policy
    | rejected\ as\ a\ result\ of\ our\ safety\ system | content_filter_policy
    | the\ model\ produced\ invalid\ content | content\ filtering\ policy | violat\w+\ our\ usage\ polic
    | nsfw\ content | flagged\ (?:as|by)\ .{0,30}(?:sensitive|moderation)
"""
_MONEY = r"""
    credit\ balance\ is\ too\ low | insufficient\ (?:account\ )?(?:balance|credits?|funds|quota)
    | out\ of\ credits | exceeded\ your\ current\ quota
    | (?:spend(?:ing)?|usage)\ limit\ (?:has\ been\ )?reached | api\ usage\ limits
    | monthly\ included\ credits | balance\ is\ not\ enough | insufficient\ account\ balance
"""
_CAPACITY = r"""
    overloaded | high\ demand | temporarily\ (?:out\ of\ capacity|unable\ to\ process|unavailable)
    | service\ tier\ capacity\ exceeded | at\ capacity | system\ (?:is\ )?busy
    | server\ (?:is\ )?(?:too\ )?busy | no\ capacity
"""
_KEY = r"""
    (?:invalid|incorrect|expired|missing|no|revoked)\ (?:api[ -]?key|(?:api|access|bearer|auth\w*)\ token|bearer\ auth\w*|credentials?)
    | api[ _-]?key\ (?:is\ )?(?:not\ valid|invalid|missing|expired|not\ found) | bad\ credentials
    | unauthori[sz]ed | token\ (?:has\ )?expired
"""


def _any(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.VERBOSE)


_RATE = r"""
    please\ wait\ before\ trying | too\ many\ tokens,\ please\ wait | too\ many\ requests | request\ was\ throttled
    | rate\ limit(?:\ is|\ was|\ has\ been)?\ (?:reached|exceeded)
"""
_MODEL = r"""
    model\ .{0,120}(?:does\ not\ exist|not\ found|decommissioned|deprecated|no\ longer\ (?:available|supported))
"""

TEXTS: tuple[tuple[frozenset[int], re.Pattern[str], str], ...] = (
    (frozenset((0, 403, 429, 500)), _any(_RATE), "rate_limited"),
    (frozenset((0, 400, 413, 422, 429, 500)), _any(_CONTEXT), "context_too_long"),
    (frozenset((0, 400, 403, 422, 451, 500)), _any(_POLICY), "content_policy"),
    (frozenset((0, 400, 401, 402, 403, 429)), _any(_MONEY), "spend_exhausted"),
    (frozenset((0, 429, 500, 502, 503, 529)), _any(_CAPACITY), "overloaded"),
    (frozenset((0, 503)), _any(r"currently\ loading|is\ loading|cold\ start"), "not_ready"),
    (frozenset((0, 429)), _any(r"concurren(?:t|cy)"), "concurrency_limited"),
    (frozenset((0, 429)), _any(r"per[ -]?day|daily|per[ -]?month|monthly"), "quota_exhausted"),
    (frozenset((0, 400, 404)), _any(_MODEL), "model_gone"),
    (frozenset((0, 400, 403)), _any(_KEY), "auth_invalid"),
)
"""(statuses, pattern, kind): last resort before the status alone decides; 0 stands for an unknown status."""

NOT_CONTEXT = re.compile(r"string_above_max_length|invalid 'user'", re.IGNORECASE)
"""What looks like a context overflow and is none."""

_STATUS: dict[int, str] = {
    400: "invalid_request",
    401: "auth_invalid",
    402: "billing",
    403: "permission_denied",
    404: "not_found",
    405: "invalid_request",
    406: "invalid_request",
    407: "permission_denied",
    408: "timeout_upstream",
    409: "conflict",
    410: "not_found",
    411: "invalid_request",
    412: "conflict",
    413: "request_too_large",
    414: "request_too_large",
    415: "invalid_request",
    423: "conflict",
    424: "server_error",
    425: "not_ready",
    429: "rate_limited",
    431: "request_too_large",
    451: "permission_denied",
    499: "cancelled",
    501: "invalid_request",
    503: "overloaded",
    504: "timeout_upstream",
    505: "invalid_request",
    509: "rate_limited",
    522: "timeout_upstream",
    524: "timeout_upstream",
    529: "overloaded",
    598: "timeout_upstream",
    599: "timeout_upstream",
}


def by_status(status: int) -> str:
    """The kind that a status alone suggests."""
    kind = _STATUS.get(status)
    if kind is not None:
        return kind
    if 400 <= status < 500:
        return "invalid_request"
    return "server_error" if 500 <= status < 600 else "malformed_response"


SCOPES: dict[str, str] = {
    "rate_limited": "account",
    "concurrency_limited": "account",
    "quota_exhausted": "account",
    "spend_exhausted": "account",
    "billing": "account",
    "slow_down": "account",
    "auth_invalid": "credential",
    "permission_denied": "credential",
    "model_gone": "model",
    "context_too_long": "model",
    "not_ready": "model",
    "overloaded": "integration",
    "server_error": "integration",
    "timeout_upstream": "integration",
    "malformed_response": "integration",
}
"""What a failure is about where no rule says so; all others are about the request."""

PROVEN = frozenset(("overloaded",))
"""Kinds that prove by their code, though not by a bare status, that nothing was done."""
