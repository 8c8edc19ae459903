"""The errors that each simulated AI vendor knows, in its own codes; facts from the vendors' public documentation.

Not for: dressing them as bodies (`failures.py`). Rows of a family hold for its members unless they have their own.
"""

from __future__ import annotations

from typing import Any

from trunkline.simulator.failures import Failure

_AFTER = (("retry-after", "2"),)

_OPENAI: dict[str, Failure] = {
    "rate_limit": Failure(
        429,
        "Rate limit reached for gpt-4o-mini in organization org-sim on requests per min (RPM): Limit 500, Used 500, Requested 1. "
        "Please try again in 2s.",
        "rate_limit_exceeded",
        "requests",
        fields=(("retry-after", "2"), ("retry-after-ms", "2000"), ("x-ratelimit-remaining-requests", "0")),
    ),
    "rate_limit_tokens": Failure(
        429,
        "Rate limit reached for gpt-4o-mini in organization org-sim on tokens per min (TPM): Limit 30000, Used 29500, "
        "Requested 2000. Please try again in 3s.",
        "rate_limit_exceeded",
        "tokens",
        fields=(("retry-after", "3"), ("retry-after-ms", "3000")),
    ),
    "quota": Failure(
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        "insufficient_quota",
    ),
    "spend": Failure(
        429,
        "You exceeded your current quota: the credit balance is used up.",
        "credit_balance_exhausted",
        "insufficient_quota",
    ),
    "billing": Failure(
        429,
        "Your account is not active, please check your billing details.",
        "billing_not_active",
        "billing_not_active",
    ),
    "slow_down": Failure(
        429, "Slow down: your rate of requests rose too quickly.", "slow_down", "rate_limit_error"
    ),
    "overloaded": Failure(
        503,
        "The server is overloaded. Please try again later.",
        "server_is_overloaded",
        "service_unavailable_error",
    ),
    "auth": Failure(
        401,
        "Incorrect API key provided: sim-****. You can find your API key in your account.",
        "invalid_api_key",
        "invalid_request_error",
    ),
    "auth_missing": Failure(401, "Missing bearer authentication in header", "", "invalid_request_error"),
    "permission": Failure(
        403,
        "Country, region, or territory not supported",
        "unsupported_country_region_territory",
        "request_forbidden",
    ),
    "context": Failure(
        400,
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 130512 tokens.",
        "context_length_exceeded",
        "invalid_request_error",
        "messages",
    ),
    "content_policy": Failure(
        400,
        "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
        "invalid_prompt",
        "invalid_request_error",
    ),
    "invalid": Failure(
        400,
        "Invalid 'temperature': decimal above maximum value.",
        "decimal_above_max_value",
        "invalid_request_error",
        "temperature",
    ),
    "model_gone": Failure(
        404,
        "The model `sim-gone` does not exist or you do not have access to it.",
        "model_not_found",
        "invalid_request_error",
    ),
    "server_error": Failure(
        500, "The server had an error while processing your request. Sorry about that!", "", "server_error"
    ),
}

_ANTHROPIC: dict[str, Failure] = {
    "rate_limit": Failure(
        429,
        "This request would exceed your organization's rate limit.",
        fields=(("retry-after", "2"), ("anthropic-ratelimit-requests-remaining", "0")),
    ),
    "slow_down": Failure(429, "Your usage increased too quickly: acceleration limit reached.", fields=_AFTER),
    "quota": Failure(
        429,
        "You have reached the enforced spend limit of this organization.",
        extra={"details": {"error_code": "enforced_spend_limit_reached"}},
    ),
    "spend": Failure(
        400, "Your credit balance is too low to access the Anthropic API.", type="invalid_request_error"
    ),
    "usage_limit": Failure(
        400,
        "You have reached your specified API usage limits. You will regain access on 2026-02-01 at 00:00 UTC.",
    ),
    "overloaded": Failure(529, "Overloaded"),
    "auth": Failure(401, "invalid x-api-key"),
    "auth_missing": Failure(401, "x-api-key header is required"),
    "context": Failure(400, "prompt is too long: 214391 tokens > 200000 maximum"),
    "content_policy": Failure(400, "Output blocked by content filtering policy"),
    "too_large": Failure(413, "Request exceeds the maximum allowed number of bytes."),
    "model_gone": Failure(404, "model: claude-sim-gone"),
    "server_error": Failure(500, "Internal server error"),
}

_QUOTA = "type.googleapis.com/google.rpc.QuotaFailure"
_RETRY = "type.googleapis.com/google.rpc.RetryInfo"


def _gemini_quota(quota_id: str, delay: str) -> dict[str, Any]:
    violation = {
        "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
        "quotaId": quota_id,
        "quotaDimensions": {"location": "global", "model": "gemini-2.5-flash"},
        "quotaValue": "250",
    }
    return {"details": [{"@type": _QUOTA, "violations": [violation]}, {"@type": _RETRY, "retryDelay": delay}]}


def _google_reason(reason: str) -> dict[str, Any]:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}
    return {"details": [info]}


_GEMINI: dict[str, Failure] = {
    "rate_limit": Failure(
        429,
        "You exceeded your current quota. Please retry in 2s.",
        extra=_gemini_quota("GenerateRequestsPerMinutePerProjectPerModel", "2s"),
    ),
    "quota": Failure(
        429,
        "You exceeded your current quota.",
        extra=_gemini_quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "22s"),
    ),
    "capacity": Failure(429, "Unable to submit request because the service is temporarily out of capacity."),
    "overloaded": Failure(503, "The model is overloaded. Please try again later."),
    "auth": Failure(
        400, "API key not valid. Please pass a valid API key.", extra=_google_reason("API_KEY_INVALID")
    ),
    "auth_missing": Failure(
        403, "Method doesn't allow unregistered callers (callers without established identity)."
    ),
    "permission": Failure(
        403,
        "Generative Language API has not been used in this project before.",
        extra=_google_reason("SERVICE_DISABLED"),
    ),
    "billing": Failure(400, "User location is not supported for the API use.", "FAILED_PRECONDITION"),
    "context": Failure(
        400, "The input token count (1200512) exceeds the maximum number of tokens allowed (1048576)."
    ),
    "model_gone": Failure(404, "models/gemini-sim-gone is not found for API version v1beta."),
    "content_policy": Failure(
        200,
        "",
        body={
            "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
            "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9},
            "modelVersion": "gemini-2.5-flash",
        },
    ),
}

ROWS: dict[str, dict[str, Failure]] = {
    "openai": _OPENAI,
    "anthropic": _ANTHROPIC,
    "gemini": _GEMINI,
    "azure-openai": {
        "rate_limit": Failure(
            429,
            "Requests to the ChatCompletions_Create Operation have exceeded token rate limit. Please retry after 6 seconds.",
            "429",
            fields=(("retry-after", "6"), ("retry-after-ms", "6000")),
        ),
        "overloaded": Failure(
            429,
            "System is experiencing high demand and is temporarily unable to process your request.",
            "429",
        ),
        "auth": Failure(
            401,
            "",
            body={
                "statusCode": 401,
                "message": "Unauthorized. Access token is missing, invalid, audience is incorrect, or have expired.",
            },
        ),
        "auth_missing": Failure(
            401,
            "",
            body={
                "statusCode": 401,
                "message": "Unauthorized. Access token is missing, invalid, audience is incorrect, or have expired.",
            },
        ),
        "model_gone": Failure(
            404, "The API deployment for this resource does not exist.", "DeploymentNotFound"
        ),
        "content_policy": Failure(
            400,
            "The response was filtered due to the prompt triggering the content management policy.",
            "content_filter",
            extra={
                "innererror": {
                    "code": "ResponsibleAIPolicyViolation",
                    "content_filter_result": {"jailbreak": {"filtered": True, "detected": True}},
                }
            },
        ),
    },
    "mistral": {
        "rate_limit": Failure(429, "Requests rate limit exceeded", "1300", "rate_limit_error"),
        "overloaded": Failure(
            429, "Service tier capacity exceeded for this model.", "3505", "rate_limit_error"
        ),
        "context": Failure(
            400,
            "Prompt contains 40123 tokens, too large for model with 32768 maximum context length",
            "3051",
            "invalid_request_error",
        ),
        "auth": Failure(401, "", body={"message": "Unauthorized", "request_id": "sim-00000000"}),
        "auth_missing": Failure(401, "", body={"message": "Unauthorized", "request_id": "sim-00000000"}),
        "model_gone": Failure(
            400, "Invalid model: sim-gone", "unknown_model", "invalid_request_error", "model"
        ),
        "server_error": Failure(500, "Internal server error", "", "server_error"),
    },
    "cohere": {
        "rate_limit": Failure(
            429, "You are past the per minute request limit, please wait and try again later."
        ),
        "quota": Failure(429, "You are using a Trial key, which is limited to 1000 API calls / month."),
        "context": Failure(
            400, "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292."
        ),
        "auth": Failure(401, "invalid api token"),
        "auth_missing": Failure(401, "no api key supplied"),
    },
    "groq": {
        "overloaded": Failure(498, "Flex tier capacity exceeded.", "capacity_exceeded", "capacity_exceeded"),
        "too_large": Failure(
            413,
            "Request too large for model on tokens per minute (TPM): Limit 6000, Requested 9000.",
            "rate_limit_exceeded",
            "tokens",
        ),
        "model_gone": Failure(
            400,
            "The model `sim-gone` has been decommissioned and is no longer supported.",
            "model_decommissioned",
        ),
        "tool_use_failed": Failure(
            400, "Failed to call a function.", "tool_use_failed", "invalid_request_error"
        ),
    },
    "elevenlabs": {
        "concurrency": Failure(
            429, "Too many concurrent requests for your plan.", "too_many_concurrent_requests"
        ),
        "rate_limit": Failure(
            429, "Too many concurrent requests for your plan.", "too_many_concurrent_requests"
        ),
        "overloaded": Failure(429, "We are experiencing heavy traffic.", "system_busy"),
        "auth": Failure(401, "Invalid API key", "invalid_api_key"),
        "spend": Failure(401, "This request exceeds your quota.", "quota_exceeded"),
        "too_large": Failure(
            400, "A single request can have at most 5000 characters.", "max_character_limit_exceeded"
        ),
    },
    "deepgram": {
        "rate_limit": Failure(429, "Too many requests. Please try again later", "TOO_MANY_REQUESTS"),
        "auth": Failure(401, "Invalid credentials.", "INVALID_AUTH"),
        "spend": Failure(
            402, "Project does not have enough credits for an ASR request.", "ASR_PAYMENT_REQUIRED"
        ),
        "permission": Failure(
            403, "Project does not have access to the requested model.", "INSUFFICIENT_PERMISSIONS"
        ),
    },
}
