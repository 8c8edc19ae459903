"""A dozen operations of well-known APIs, written down in our own words after their documentation: enough fields, optional parts, enums,
unions and streams to be like them. For tests that must run anywhere; the long run takes the vendors' own documents (`published.py`).
"""

from __future__ import annotations

from random import Random
from typing import Any

from tests.drift.compiled import Compiler, Schema
from tests.drift.contract import Constant, Contract, Event, Node

TEXT: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
EPOCH: Schema = {"type": "integer", "format": "unix-time"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
URL: Schema = {"type": "string", "format": "uri"}


def obj(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def arr(item: Schema, low: int = 0, high: int = 4) -> Schema:
    return {"type": "array", "items": item, "x-length": (low, high)}


def enum(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def ident(prefix: str) -> Schema:
    return {"type": "string", "x-prefix": prefix}


def null(schema: Schema) -> Schema:
    return {**schema, "nullable": True}


def one(*schemas: Schema) -> Schema:
    return {"oneOf": list(schemas)}


def keyed(item: Schema, keys: str = "id") -> Schema:
    return {"type": "object", "additionalProperties": item, "x-keys": keys}


USAGE = obj(
    {"prompt_tokens": INTEGER, "completion_tokens": INTEGER, "total_tokens": INTEGER},
    {
        "prompt_tokens_details": obj({"cached_tokens": INTEGER}, {"audio_tokens": INTEGER}),
        "completion_tokens_details": obj({"reasoning_tokens": INTEGER}, {"audio_tokens": INTEGER}),
    },
)
CALL = obj(
    {"id": ident("call_"), "type": enum("function"), "function": obj({"name": TEXT, "arguments": TEXT})}
)
CHAT = obj(
    {
        "id": ident("chatcmpl-"),
        "object": enum("chat.completion"),
        "created": EPOCH,
        "model": {"type": "string", "x-words": ["gpt-6-sol", "gpt-6-luna", "gpt-5-mini-2025-08-07"]},
        "choices": arr(
            obj(
                {
                    "index": {**INTEGER, "maximum": 2},
                    "message": obj(
                        {"role": enum("assistant"), "content": null(TEXT)},
                        {"refusal": null(TEXT), "tool_calls": arr(CALL, 1, 3)},
                    ),
                    "finish_reason": enum("stop", "length", "tool_calls", "content_filter"),
                },
                {"logprobs": null(obj({"content": arr(obj({"token": TEXT, "logprob": NUMBER}), 1, 3)}))},
            ),
            1,
            2,
        ),
        "usage": USAGE,
    },
    {
        "system_fingerprint": {"type": "string", "x-kind": "opaque"},
        "service_tier": enum("default", "flex", "priority"),
    },
)
CHUNK = obj(
    {
        "id": ident("chatcmpl-"),
        "object": enum("chat.completion.chunk"),
        "created": EPOCH,
        "model": {"type": "string", "x-words": ["gpt-6-sol", "gpt-6-luna"]},
        "choices": arr(
            obj(
                {
                    "index": {**INTEGER, "maximum": 1},
                    "delta": obj({}, {"content": TEXT, "role": enum("assistant")}),
                    "finish_reason": null(enum("stop", "length")),
                }
            ),
            1,
            1,
        ),
    },
    {"usage": null(USAGE), "system_fingerprint": {"type": "string", "x-kind": "opaque"}},
)
OPENAI_ERROR = obj(
    {
        "error": obj(
            {
                "message": TEXT,
                "type": enum("invalid_request_error", "server_error"),
                "param": null(TEXT),
                "code": null(TEXT),
            }
        )
    }
)
CHAT_REQUEST = obj(
    {
        "model": TEXT,
        "messages": arr(obj({"role": enum("system", "user", "assistant"), "content": TEXT}), 1, 3),
    },
    {
        "temperature": NUMBER,
        "max_completion_tokens": INTEGER,
        "tools": arr(obj({"type": enum("function")}), 1, 2),
    },
)

BLOCK = one(
    obj(
        {"type": enum("text"), "text": TEXT},
        {
            "citations": arr(
                obj({"type": enum("char_location"), "cited_text": TEXT, "document_index": INTEGER}), 1, 2
            )
        },
    ),
    obj({"type": enum("tool_use"), "id": ident("toolu_"), "name": TEXT, "input": keyed(TEXT)}),
    obj({"type": enum("thinking"), "thinking": TEXT, "signature": {"type": "string", "x-kind": "opaque"}}),
)
CLAUDE_USAGE = obj(
    {"input_tokens": INTEGER, "output_tokens": INTEGER},
    {
        "cache_creation_input_tokens": INTEGER,
        "cache_read_input_tokens": INTEGER,
        "service_tier": enum("standard", "priority", "batch"),
        "server_tool_use": null(obj({"web_search_requests": INTEGER})),
    },
)
STOP = enum("end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal")
MESSAGE = obj(
    {
        "id": ident("msg_"),
        "type": enum("message"),
        "role": enum("assistant"),
        "model": {"type": "string", "x-words": ["claude-sonnet-5", "claude-haiku-5"]},
        "content": arr(BLOCK, 1, 3),
        "stop_reason": STOP,
        "stop_sequence": null(TEXT),
        "usage": CLAUDE_USAGE,
    },
    {"container": null(obj({"id": ident("container_"), "expires_at": MOMENT}))},
)
CLAUDE_ERROR = obj(
    {
        "type": enum("error"),
        "error": obj(
            {"type": enum("invalid_request_error", "not_found_error", "api_error"), "message": TEXT}
        ),
    },
    {"request_id": ident("req_")},
)
CLAUDE_EVENTS: list[tuple[str, Schema, int, int]] = [
    ("message_start", obj({"type": enum("message_start"), "message": MESSAGE}), 1, 1),
    (
        "content_block_start",
        obj({"type": enum("content_block_start"), "index": INTEGER, "content_block": BLOCK}),
        1,
        2,
    ),
    ("ping", obj({"type": enum("ping")}), 0, 1),
    (
        "content_block_delta",
        obj(
            {
                "type": enum("content_block_delta"),
                "index": INTEGER,
                "delta": one(
                    obj({"type": enum("text_delta"), "text": TEXT}),
                    obj({"type": enum("input_json_delta"), "partial_json": TEXT}),
                ),
            }
        ),
        2,
        8,
    ),
    ("content_block_stop", obj({"type": enum("content_block_stop"), "index": INTEGER}), 1, 2),
    (
        "message_delta",
        obj(
            {
                "type": enum("message_delta"),
                "delta": obj({"stop_reason": STOP, "stop_sequence": null(TEXT)}),
                "usage": obj({"output_tokens": INTEGER}),
            }
        ),
        1,
        1,
    ),
    ("message_stop", obj({"type": enum("message_stop")}), 1, 1),
]

ADDRESS = obj(
    {
        "city": null(TEXT),
        "country": null({"type": "string", "x-words": ["US", "DE", "FR", "GB", "SE"]}),
        "line1": null(TEXT),
        "postal_code": null(TEXT),
    }
)
CARD = obj(
    {
        "brand": enum("visa", "mastercard", "amex", "discover"),
        "last4": TEXT,
        "exp_month": INTEGER,
        "exp_year": INTEGER,
    },
    {"wallet": null(obj({"type": enum("apple_pay", "google_pay")}))},
)
INTENT = obj(
    {
        "id": ident("pi_"),
        "object": enum("payment_intent"),
        "amount": INTEGER,
        "amount_received": INTEGER,
        "capture_method": enum("automatic", "automatic_async", "manual"),
        "client_secret": null({"type": "string", "x-prefix": "pi_secret_"}),
        "created": EPOCH,
        "currency": {"type": "string", "x-words": ["usd", "eur", "gbp", "sek", "chf", "jpy", "cad"]},
        "customer": null(ident("cus_")),
        "last_payment_error": null(
            obj(
                {"type": enum("card_error", "api_error"), "message": TEXT},
                {"decline_code": TEXT, "code": TEXT},
            )
        ),
        "latest_charge": null(
            one(
                ident("ch_"),
                obj({"id": ident("ch_"), "object": enum("charge"), "amount": INTEGER, "paid": FLAG}),
            )
        ),
        "livemode": FLAG,
        "metadata": keyed(TEXT),
        "next_action": null(
            obj(
                {"type": enum("redirect_to_url", "use_stripe_sdk")},
                {"redirect_to_url": obj({"url": URL, "return_url": null(URL)})},
            )
        ),
        "payment_method_types": arr(enum("card", "sepa_debit", "klarna", "ideal"), 1, 3),
        "status": enum(
            "requires_payment_method",
            "requires_confirmation",
            "requires_action",
            "processing",
            "requires_capture",
            "canceled",
            "succeeded",
        ),
    },
    {
        "payment_method_options": obj(
            {}, {"card": obj({"request_three_d_secure": enum("any", "automatic", "challenge")})}
        ),
        "shipping": null(obj({"name": TEXT, "address": ADDRESS})),
    },
)
CUSTOMER = obj(
    {
        "id": ident("cus_"),
        "object": enum("customer"),
        "created": EPOCH,
        "email": null({"type": "string", "format": "email"}),
        "name": null(TEXT),
        "address": null(ADDRESS),
        "balance": INTEGER,
        "delinquent": FLAG,
        "metadata": keyed(TEXT),
        "invoice_settings": obj({"default_payment_method": null(ident("pm_")), "footer": null(TEXT)}),
    },
    {
        "phone": null(TEXT),
        "tax_exempt": null(enum("exempt", "none", "reverse")),
        "discount": null(obj({"id": ident("di_"), "start": EPOCH, "end": null(EPOCH)})),
        "default_card": CARD,
    },
)
STRIPE_ERROR = obj(
    {
        "error": obj(
            {"type": enum("card_error", "invalid_request_error", "api_error"), "message": TEXT},
            {"code": TEXT, "param": TEXT, "doc_url": URL, "request_log_url": URL},
        )
    }
)

USER = obj(
    {
        "login": TEXT,
        "id": INTEGER,
        "avatar_url": URL,
        "html_url": URL,
        "type": enum("User", "Bot", "Organization"),
        "site_admin": FLAG,
    },
    {"name": null(TEXT)},
)
ISSUE = obj(
    {
        "id": INTEGER,
        "number": INTEGER,
        "state": enum("open", "closed"),
        "title": TEXT,
        "body": null(TEXT),
        "user": null(USER),
        "labels": arr(
            one(
                obj(
                    {"id": INTEGER, "name": TEXT, "color": TEXT, "default": FLAG}, {"description": null(TEXT)}
                ),
                TEXT,
            ),
            0,
            3,
        ),
        "assignees": arr(USER, 0, 2),
        "comments": INTEGER,
        "created_at": MOMENT,
        "updated_at": MOMENT,
        "closed_at": null(MOMENT),
        "author_association": enum("OWNER", "MEMBER", "CONTRIBUTOR", "COLLABORATOR", "NONE"),
        "reactions": obj({"total_count": INTEGER, "+1": INTEGER, "heart": INTEGER}),
    },
    {
        "state_reason": null(enum("completed", "reopened", "not_planned")),
        "milestone": null(obj({"number": INTEGER, "title": TEXT, "due_on": null(MOMENT)})),
        "pull_request": obj({"url": URL, "merged_at": null(MOMENT)}),
        "draft": FLAG,
    },
)
GITHUB_ERROR = obj(
    {"message": TEXT, "documentation_url": URL, "status": TEXT},
    {
        "errors": arr(
            obj({"resource": TEXT, "field": TEXT, "code": enum("missing", "invalid", "already_exists")}), 1, 2
        )
    },
)

POSTED = obj(
    {
        "ok": {"type": "boolean", "enum": [True]},
        "channel": ident("C"),
        "ts": {"type": "string", "x-kind": "numeric"},
        "message": obj(
            {
                "type": enum("message"),
                "text": TEXT,
                "user": ident("U"),
                "ts": {"type": "string", "x-kind": "numeric"},
                "team": ident("T"),
            },
            {
                "bot_id": ident("B"),
                "blocks": arr(
                    obj(
                        {"type": enum("section", "divider", "rich_text"), "block_id": TEXT},
                        {"text": obj({"type": enum("mrkdwn", "plain_text"), "text": TEXT})},
                    ),
                    1,
                    3,
                ),
            },
        ),
    },
    {"response_metadata": obj({}, {"warnings": arr(TEXT, 1, 1), "next_cursor": TEXT})},
)
SMS = obj(
    {
        "sid": ident("SM"),
        "account_sid": ident("AC"),
        "body": TEXT,
        "from": null(TEXT),
        "to": TEXT,
        "direction": enum("inbound", "outbound-api", "outbound-call", "outbound-reply"),
        "status": enum(
            "queued",
            "sending",
            "sent",
            "failed",
            "delivered",
            "undelivered",
            "receiving",
            "received",
            "accepted",
        ),
        "num_segments": {"type": "string", "x-kind": "numeric"},
        "date_created": {"type": "string", "format": "date-time-rfc-2822"},
        "date_sent": null({"type": "string", "format": "date-time-rfc-2822"}),
        "error_code": null(INTEGER),
        "error_message": null(TEXT),
        "price": null({"type": "string", "x-kind": "numeric"}),
        "uri": URL,
        "subresource_uris": obj({"media": URL}),
    },
    {"messaging_service_sid": null(ident("MG"))},
)
TWILIO_ERROR = obj({"code": INTEGER, "message": TEXT, "more_info": URL, "status": INTEGER})

RICH = obj(
    {
        "type": enum("text", "mention", "equation"),
        "plain_text": TEXT,
        "href": null(URL),
        "annotations": obj({"bold": FLAG, "color": enum("default", "gray", "red", "blue")}),
    }
)
PAGE = obj(
    {
        "object": enum("page"),
        "id": {"type": "string", "format": "uuid"},
        "created_time": MOMENT,
        "last_edited_time": MOMENT,
        "archived": FLAG,
        "icon": null(
            one(
                obj({"type": enum("emoji"), "emoji": TEXT}),
                obj({"type": enum("external"), "external": obj({"url": URL})}),
            )
        ),
        "parent": one(
            obj({"type": enum("database_id"), "database_id": {"type": "string", "format": "uuid"}}),
            obj({"type": enum("workspace"), "workspace": FLAG}),
        ),
        "properties": keyed(
            one(
                obj({"id": TEXT, "type": enum("title"), "title": arr(RICH, 0, 2)}),
                obj({"id": TEXT, "type": enum("number"), "number": null(NUMBER)}),
                obj(
                    {
                        "id": TEXT,
                        "type": enum("select"),
                        "select": null(obj({"name": TEXT, "color": enum("default", "gray", "red")})),
                    }
                ),
            )
        ),
        "url": URL,
    },
    {"public_url": null(URL)},
)
NOTION_ERROR = obj(
    {
        "object": enum("error"),
        "status": INTEGER,
        "code": enum("validation_error", "object_not_found", "internal_server_error"),
        "message": TEXT,
    },
    {"request_id": {"type": "string", "format": "uuid"}},
)

RATING = obj(
    {
        "category": enum("HARM_CATEGORY_HARASSMENT", "HARM_CATEGORY_HATE_SPEECH"),
        "probability": enum("NEGLIGIBLE", "LOW", "MEDIUM"),
    },
    {"blocked": FLAG},
)
GENERATED = obj(
    {
        "candidates": arr(
            obj(
                {
                    "content": obj(
                        {
                            "role": enum("model"),
                            "parts": arr(
                                obj(
                                    {},
                                    {
                                        "text": TEXT,
                                        "thoughtSignature": TEXT,
                                        "functionCall": obj({"name": TEXT, "args": keyed(TEXT)}),
                                    },
                                ),
                                1,
                                2,
                            ),
                        }
                    )
                },
                {
                    "finishReason": enum("STOP", "MAX_TOKENS", "SAFETY", "RECITATION"),
                    "index": INTEGER,
                    "safetyRatings": arr(RATING, 1, 3),
                    "avgLogprobs": NUMBER,
                },
            ),
            1,
            1,
        ),
        "usageMetadata": obj(
            {"promptTokenCount": INTEGER, "totalTokenCount": INTEGER},
            {"candidatesTokenCount": INTEGER, "thoughtsTokenCount": INTEGER},
        ),
        "modelVersion": {"type": "string", "x-words": ["gemini-3-pro", "gemini-3-flash"]},
    },
    {"responseId": TEXT, "promptFeedback": obj({}, {"blockReason": enum("SAFETY", "OTHER")})},
)
GOOGLE_ERROR = obj(
    {
        "error": obj(
            {"code": INTEGER, "message": TEXT, "status": enum("INVALID_ARGUMENT", "NOT_FOUND", "INTERNAL")},
            {"details": arr(obj({"@type": URL, "reason": TEXT}), 1, 2)},
        )
    }
)
MATCHES = obj(
    {
        "matches": arr(
            obj({"id": TEXT, "score": NUMBER}, {"values": arr(NUMBER, 1, 3), "metadata": keyed(TEXT)}), 0, 5
        ),
        "namespace": TEXT,
    },
    {"usage": obj({"readUnits": INTEGER})},
)
PLAIN_ERROR = obj({"message": TEXT, "code": INTEGER})


def contracts(seed: int) -> list[Contract]:
    """The operations, with all that is left to chance drawn from the seed."""
    rng = Random(seed)

    def made(schema: Schema) -> Node:
        return Compiler(rng).node(schema)

    def contract(
        vendor: str,
        name: str,
        path: str,
        reply: Schema,
        error: Schema,
        request: Schema | None = None,
        **more: Any,
    ) -> Contract:
        errors = [(400, made(error), 0.5), (404, made(error), 0.35), (500, made(error), 0.15)]
        method = "GET" if request is None else "POST"
        asked = made(request) if request is not None else None
        return Contract(vendor, name, method, path, made(reply), errors=errors, request=asked, **more)

    listed = obj({"object": enum("list"), "url": TEXT, "has_more": FLAG, "data": arr(CUSTOMER, 1, 4)})
    payment = obj(
        {"amount": INTEGER, "currency": enum("usd", "eur")}, {"customer": TEXT, "metadata": keyed(TEXT)}
    )
    prompt = obj(
        {
            "model": TEXT,
            "max_tokens": INTEGER,
            "messages": arr(obj({"role": enum("user", "assistant"), "content": TEXT}), 1, 3),
        },
        {"system": TEXT},
    )
    claude = [Event(name, made(schema), low, high) for name, schema, low, high in CLAUDE_EVENTS]
    openai = [
        Event("", made(CHUNK), 3, 9, named=False),
        Event("", Constant(what="[DONE]"), 1, 1, named=False),
    ]
    return [
        contract("stripe", "create_payment_intent", "/v1/payment_intents", INTENT, STRIPE_ERROR, payment),
        contract("stripe", "list_customers", "/v1/customers", listed, STRIPE_ERROR),
        contract("openai", "chat_completions", "/v1/chat/completions", CHAT, OPENAI_ERROR, CHAT_REQUEST),
        contract(
            "openai", "chat_stream", "/v1/chat/completions", CHUNK, OPENAI_ERROR, CHAT_REQUEST, stream=openai
        ),
        contract("anthropic", "messages", "/v1/messages", MESSAGE, CLAUDE_ERROR, prompt),
        contract(
            "anthropic", "messages_stream", "/v1/messages", MESSAGE, CLAUDE_ERROR, prompt, stream=claude
        ),
        contract(
            "gemini",
            "generate",
            "/v1beta/models/x:generateContent",
            GENERATED,
            GOOGLE_ERROR,
            obj({"contents": arr(obj({"role": enum("user")}), 1, 2)}),
        ),
        contract("github", "list_issues", "/repos/a/b/issues", arr(ISSUE, 1, 4), GITHUB_ERROR),
        contract(
            "slack",
            "post_message",
            "/api/chat.postMessage",
            POSTED,
            PLAIN_ERROR,
            obj({"channel": TEXT, "text": TEXT}),
        ),
        contract(
            "twilio",
            "create_message",
            "/2010-04-01/Accounts/A/Messages.json",
            SMS,
            TWILIO_ERROR,
            obj({"To": TEXT, "Body": TEXT}),
            status=201,
        ),
        contract(
            "notion",
            "query_database",
            "/v1/databases/x/query",
            obj(
                {
                    "object": enum("list"),
                    "results": arr(PAGE, 1, 3),
                    "has_more": FLAG,
                    "next_cursor": null(TEXT),
                }
            ),
            NOTION_ERROR,
            obj({}, {"page_size": INTEGER}),
        ),
        contract(
            "pinecone",
            "query",
            "/query",
            MATCHES,
            PLAIN_ERROR,
            obj({"topK": INTEGER, "vector": arr(NUMBER, 2, 4)}),
        ),
    ]
