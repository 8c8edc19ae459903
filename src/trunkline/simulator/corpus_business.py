"""The errors that every vendor knows, and those of the simulated vendors that sell no models; facts from their documentation.

Not for: dressing them as bodies (`failures.py`), nor AI vendors (`corpus_ai.py`).
"""

from __future__ import annotations

from trunkline.simulator.failures import Failure

_AFTER = (("retry-after", "2"),)

DEFAULTS: dict[str, Failure] = {
    "rate_limit": Failure(429, "Rate limit exceeded. Please slow down.", fields=_AFTER),
    "concurrency": Failure(429, "Too many concurrent requests.", fields=(("retry-after", "1"),)),
    "quota": Failure(429, "The quota of this period is used up."),
    "spend": Failure(402, "The account has no credit left."),
    "billing": Failure(402, "There is a problem with the billing of this account."),
    "overloaded": Failure(503, "The service is overloaded. Please try again later."),
    "slow_down": Failure(429, "Your request rate rose too quickly. Please slow down."),
    "auth": Failure(401, "The credential is not valid."),
    "permission": Failure(403, "The credential does not have permission for this."),
    "invalid": Failure(400, "The request is not valid."),
    "too_large": Failure(413, "The request is too large."),
    "context": Failure(
        400, "This model's maximum context length is 128000 tokens, your request has 130512 tokens."
    ),
    "content_policy": Failure(400, "The request was rejected by the content policy."),
    "not_found": Failure(404, "There is no such object."),
    "model_gone": Failure(404, "The model does not exist or is no longer served."),
    "conflict": Failure(409, "The object was changed at the same time."),
    "timeout": Failure(504, "The request took too long."),
    "server_error": Failure(500, "Internal error."),
    "bad_gateway": Failure(502, "Bad gateway."),
    "unavailable": Failure(503, "Service unavailable."),
    "not_ready": Failure(503, "The model is still loading.", fields=_AFTER),
}

_CARD = "Your card was declined."

_STRIPE: dict[str, Failure] = {
    "rate_limit": Failure(
        429,
        "Request rate limit exceeded.",
        "rate_limit",
        "invalid_request_error",
        fields=(("stripe-rate-limited-reason", "global-rate"),),
    ),
    "concurrency": Failure(
        429,
        "Too many concurrent requests.",
        "rate_limit",
        "invalid_request_error",
        fields=(("stripe-rate-limited-reason", "global-concurrency"),),
    ),
    "lock_timeout": Failure(
        429,
        "This object cannot be accessed right now because another API request is accessing it.",
        "lock_timeout",
        "invalid_request_error",
        fields=(("stripe-should-retry", "true"),),
    ),
    "auth": Failure(401, "Invalid API Key provided: sk_sim_****"),
    "auth_missing": Failure(401, "You did not provide an API key."),
    "permission": Failure(
        403,
        "The provided key does not have the required permissions for this endpoint.",
        "",
        "invalid_request_error",
    ),
    "declined": Failure(
        402,
        _CARD,
        "card_declined",
        "card_error",
        extra={"decline_code": "generic_decline", "charge": "ch_sim_declined"},
    ),
    "processing_error": Failure(
        402,
        "An error occurred while processing your card.",
        "processing_error",
        "card_error",
        extra={"decline_code": "processing_error"},
    ),
    "invalid": Failure(
        400, "Missing required param: amount.", "parameter_missing", "invalid_request_error", "amount"
    ),
    "not_found": Failure(
        404, "No such customer: 'cus_sim_none'", "resource_missing", "invalid_request_error", "id"
    ),
    "conflict": Failure(
        409,
        "There is currently another in-progress request using this idempotent key.",
        "idempotency_key_in_use",
        "idempotency_error",
    ),
    "overloaded": Failure(
        503, "Stripe is temporarily unavailable.", "", "api_error", fields=(("stripe-should-retry", "true"),)
    ),
    "server_error": Failure(500, "An unknown error occurred", "", "api_error"),
}

ROWS: dict[str, dict[str, Failure]] = {
    "stripe": _STRIPE,
    "twilio": {
        "rate_limit": Failure(429, "Too Many Requests", "20429"),
        "auth": Failure(401, "Authenticate", "20003"),
        "not_found": Failure(404, "The requested resource was not found", "20404"),
        "invalid": Failure(400, "Invalid 'To' Phone Number: +1555", "21211"),
    },
    "github": {
        "rate_limit": Failure(
            403,
            "API rate limit exceeded for user ID 1.",
            fields=(
                ("x-ratelimit-limit", "5000"),
                ("x-ratelimit-remaining", "0"),
                ("x-ratelimit-reset", "1767225660"),
            ),
        ),
        "secondary_limit": Failure(
            403, "You have exceeded a secondary rate limit.", fields=(("retry-after", "60"),)
        ),
        "auth": Failure(401, "Bad credentials"),
        "not_found": Failure(404, "Not Found"),
        "invalid": Failure(
            422,
            "Validation Failed",
            extra={"errors": [{"resource": "Issue", "field": "title", "code": "missing_field"}]},
        ),
    },
    "slack": {
        "rate_limit": Failure(429, "", "ratelimited", fields=(("retry-after", "30"),)),
        "auth": Failure(200, "", "invalid_auth"),
        "auth_missing": Failure(200, "", "not_authed"),
        "permission": Failure(
            200, "", "missing_scope", extra={"needed": "chat:write", "provided": "identify"}
        ),
        "not_found": Failure(200, "", "channel_not_found"),
        "server_error": Failure(200, "", "internal_error"),
        "overloaded": Failure(200, "", "service_unavailable"),
    },
    "notion": {
        "rate_limit": Failure(
            429,
            "You have been rate limited. Please try again in a few minutes.",
            "rate_limited",
            fields=(("retry-after", "5"),),
            extra={"additional_data": {"rate_limit_reason": "connection"}},
        ),
        "overloaded": Failure(
            529, "The service is overloaded.", "service_overload", fields=(("retry-after", "10"),)
        ),
        "auth": Failure(401, "API token is invalid.", "unauthorized"),
        "permission": Failure(403, "Insufficient permissions for this endpoint.", "restricted_resource"),
        "not_found": Failure(404, "Could not find page with ID sim.", "object_not_found"),
        "conflict": Failure(409, "Conflict occurred while saving.", "conflict_error"),
        "server_error": Failure(500, "Unexpected error occurred.", "internal_server_error"),
    },
    "sendgrid": {
        "blocked": Failure(403, "Too many bad requests; access is blocked for now."),
        "auth": Failure(401, "The provided authorization grant is invalid, expired, or revoked"),
    },
    "pinecone": {
        "quota": Failure(
            403,
            "Request failed. You have reached the max pod-based indexes allowed in this project.",
            "FORBIDDEN",
        ),
        "conflict": Failure(409, "Resource already exists", "ALREADY_EXISTS"),
    },
    "qdrant": {
        "invalid": Failure(400, "Wrong input: Vector dimension error: expected dim: 4, got 3"),
        "not_found": Failure(404, "Not found: Collection `sim` doesn't exist!"),
        "auth": Failure(401, "", body="Must provide an API key or an Authorization bearer token"),
        "server_error": Failure(500, "Service internal error: simulated"),
    },
    "infinisynapse": {
        "auth": Failure(200, "The login has expired, please log in again", "1101"),
        "billing": Failure(
            200,
            "",
            body={
                "code": 200,
                "message": "success",
                "data": {"success": False, "error": "Insufficient account balance"},
            },
        ),
        "invalid": Failure(422, "taskId must be a string", "422"),
        "not_found": Failure(404, "task does not exist", "404"),
    },
    "gotenberg": {
        "invalid": Failure(400, "Invalid form data: form file 'index.html' is required"),
        "overloaded": Failure(503, "Service Unavailable"),
        "rate_limit": Failure(429, "Too Many Requests"),
    },
}
