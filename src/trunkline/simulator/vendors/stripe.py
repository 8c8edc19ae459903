"""Stripe: charges, customers, payment intents, refunds and the balance, with idempotency keys, declines and list objects.

What is created here is an act: the ledger counts it, and a repeated request without a key creates another object.
Not for: money. Form encoding is decoded in `stripe_form.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec

from trunkline.core import codec
from trunkline.simulator import words
from trunkline.simulator.failures import Failure, Refusal, failure_reply, refuse
from trunkline.simulator.reply import Reply, json_reply
from trunkline.simulator.request import Request
from trunkline.simulator.vendors.stripe_form import decoded

DECLINES = {
    "chargeDeclined": "generic_decline",
    "chargeDeclinedInsufficientFunds": "insufficient_funds",
    "chargeDeclinedLostCard": "lost_card",
    "chargeDeclinedStolenCard": "stolen_card",
    "chargeDeclinedFraudulent": "fraudulent",
    "chargeDeclinedExpiredCard": "",
    "chargeDeclinedIncorrectCvc": "",
    "chargeDeclinedProcessingError": "",
    "4000000000000002": "generic_decline",
    "4000000000009995": "insufficient_funds",
    "4000000000000069": "",
}
_CODES = {
    "chargeDeclinedExpiredCard": ("expired_card", "Your card has expired."),
    "4000000000000069": ("expired_card", "Your card has expired."),
    "chargeDeclinedIncorrectCvc": ("incorrect_cvc", "Your card's security code is incorrect."),
    "chargeDeclinedProcessingError": (
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
    ),
}
_KEPT = 50_000
_VERBS = frozenset({"confirm", "capture", "cancel"})


class _Kept(msgspec.Struct):
    """The stored answer to an idempotency key. `first` is the request that made it."""

    fingerprint: bytes
    reply: Reply
    first: Any


class Stripe:
    """Keeps objects and the answers to idempotency keys; both are lost with the process."""

    def __init__(self) -> None:
        self._objects: dict[str, dict[str, dict[str, Any]]] = {
            "charges": {},
            "customers": {},
            "payment_intents": {},
            "refunds": {},
        }
        self._keys: dict[str, _Kept] = {}
        self._made = 0
        self._create: dict[str, Callable[[str, dict[str, Any]], dict[str, Any]]] = {
            "charges": self._charge,
            "customers": self._customer,
            "payment_intents": self._intent,
            "refunds": self._refund,
        }

    def answer(self, request: Request) -> Reply:
        """POST with an idempotency key answers as before when the key was used before."""
        key = request.fields.get("idempotency-key", "")
        version = (("stripe-version", request.fields.get("stripe-version", "2026-01-01.sim")),)
        if request.method != "POST" or not key:
            reply = self._carried_out(request)
            reply.fields = (*reply.fields, *version)
            return reply
        fingerprint = sha256(f"{request.path}\n".encode() + request.body).digest()
        kept = self._keys.get(key)
        if kept is not None:
            return _again(kept, key, fingerprint)
        reply = self._carried_out(request)
        reply.fields = (*reply.fields, *version, ("idempotency-key", key))
        if reply.status not in (
            400,
            404,
        ):  # a request that failed validation was not begun, so its key is still free
            if len(self._keys) >= _KEPT:
                self._keys.pop(next(iter(self._keys)))
            self._keys[key] = _Kept(fingerprint, reply, request)
        return reply

    def _carried_out(self, request: Request) -> Reply:
        try:
            return self._route(request)
        except Refusal as refusal:
            return failure_reply("stripe", refusal.failure)

    def _route(self, request: Request) -> Reply:
        segments = request.segments
        method = request.method
        kind, rest = (segments[1], segments[2:]) if len(segments) > 1 else ("", [])
        if kind == "balance" and method == "GET":
            amounts = [{"amount": 100_000, "currency": "eur", "source_types": {"card": 100_000}}]
            return json_reply({"object": "balance", "available": amounts, "pending": [], "livemode": False})
        known = self._objects.get(kind)
        if known is None or method not in ("GET", "POST", "DELETE"):
            raise refuse(404, f"Unrecognized request URL ({method}: {request.path}).")
        form = decoded(request)
        if not rest:
            return json_reply(
                self._made_one(kind, form) if method == "POST" else _listed(request.path, known, form)
            )
        found = known.get(rest[0])
        if found is None or (found.get("deleted") and method != "GET"):
            raise refuse(
                404,
                f"No such {kind.rstrip('s').replace('_', ' ')}: '{rest[0]}'",
                "resource_missing",
                param="id",
            )
        if method == "DELETE" and kind == "customers":
            known[rest[0]] = {"id": rest[0], "object": "customer", "deleted": True}
            return json_reply(known[rest[0]])
        if method == "POST" and len(rest) == 2 and rest[1] in _VERBS and kind == "payment_intents":
            return json_reply(self._step(found, rest[1], form))
        return json_reply(_changed(found, form) if method == "POST" else found)

    def _made_one(self, kind: str, form: dict[str, Any]) -> dict[str, Any]:
        self._made += 1
        prefix = {"charges": "ch_", "customers": "cus_", "payment_intents": "pi_", "refunds": "re_"}[kind]
        identity = words.identifier(prefix, codec.to_json(form), str(self._made), size=24)
        made = self._create[kind](identity, form)
        store = self._objects[kind]
        if len(store) >= _KEPT:
            store.pop(next(iter(store)))
        store[identity] = made
        return made

    def _charge(self, identity: str, form: dict[str, Any]) -> dict[str, Any]:
        amount, currency = _amount(form)
        if not form.get("source") and not form.get("customer"):
            raise refuse(400, "Must provide source or customer.", "parameter_missing", param="source")
        _decline(form.get("source"), identity)
        return {
            "id": identity,
            "object": "charge",
            "amount": amount,
            "amount_captured": amount,
            "amount_refunded": 0,
            "captured": True,
            "created": words.CREATED + self._made,
            "currency": currency,
            "customer": form.get("customer"),
            "description": form.get("description"),
            "livemode": False,
            "metadata": form.get("metadata") or {},
            "outcome": {
                "network_status": "approved_by_network",
                "type": "authorized",
                "seller_message": "Payment complete. (simulated)",
            },
            "paid": True,
            "payment_intent": None,
            "payment_method": words.identifier("card_", identity),
            "payment_method_details": {
                "card": {"brand": "visa", "country": "US", "last4": "4242"},
                "type": "card",
            },
            "refunded": False,
            "status": "succeeded",
        }

    def _customer(self, identity: str, form: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": identity,
            "object": "customer",
            "address": form.get("address"),
            "balance": 0,
            "created": words.CREATED + self._made,
            "description": form.get("description"),
            "email": form.get("email"),
            "livemode": False,
            "metadata": form.get("metadata") or {},
            "name": form.get("name"),
            "phone": form.get("phone"),
        }

    def _intent(self, identity: str, form: dict[str, Any]) -> dict[str, Any]:
        amount, currency = _amount(form)
        intent: dict[str, Any] = {
            "id": identity,
            "object": "payment_intent",
            "amount": amount,
            "amount_received": 0,
            "capture_method": form.get("capture_method", "automatic"),
            "client_secret": f"{identity}_secret_sim",
            "created": words.CREATED + self._made,
            "currency": currency,
            "customer": form.get("customer"),
            "description": form.get("description"),
            "latest_charge": None,
            "livemode": False,
            "metadata": form.get("metadata") or {},
            "payment_method": form.get("payment_method"),
            "payment_method_types": form.get("payment_method_types") or ["card"],
            "status": "requires_confirmation" if form.get("payment_method") else "requires_payment_method",
        }
        return self._step(intent, "confirm", form) if form.get("confirm") == "true" else intent

    def _step(self, intent: dict[str, Any], verb: str, form: dict[str, Any]) -> dict[str, Any]:
        if verb == "cancel":
            intent["status"] = "canceled"
            return intent
        if verb == "capture":
            wanted = "requires_capture"
        else:
            intent["payment_method"] = form.get("payment_method") or intent["payment_method"]
            wanted = "requires_confirmation"
            if intent["payment_method"] and intent["status"] == "requires_payment_method":
                intent["status"] = wanted
        if intent["status"] != wanted:
            text = f"This PaymentIntent could not be {verb}ed because it has a status of {intent['status']}."
            raise refuse(400, text, "payment_intent_unexpected_state")
        if verb == "confirm":
            _decline(intent["payment_method"], words.identifier("ch_", intent["id"]), intent)
        if verb == "confirm" and intent["capture_method"] == "manual":
            intent["status"] = "requires_capture"
            return intent
        paid = {"source": "tok_sim", "amount": str(intent["amount"]), "currency": intent["currency"]}
        charge = self._made_one("charges", {**paid, "customer": intent["customer"]})
        charge["payment_intent"] = intent["id"]
        intent.update(status="succeeded", amount_received=intent["amount"], latest_charge=charge["id"])
        return intent

    def _refund(self, identity: str, form: dict[str, Any]) -> dict[str, Any]:
        charges = self._objects["charges"]
        intent = self._objects["payment_intents"].get(form.get("payment_intent", ""), {})
        charge = charges.get(form.get("charge") or intent.get("latest_charge") or "")
        if charge is None:
            raise refuse(404, f"No such charge: '{form.get('charge')}'", "resource_missing", param="charge")
        if charge["refunded"]:
            raise refuse(400, f"Charge {charge['id']} has already been refunded.", "charge_already_refunded")
        amount = int(form.get("amount", charge["amount"] - charge["amount_refunded"]))
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] >= charge["amount"]
        return {
            "id": identity,
            "object": "refund",
            "amount": amount,
            "charge": charge["id"],
            "created": words.CREATED + self._made,
            "currency": charge["currency"],
            "metadata": form.get("metadata") or {},
            "status": "succeeded",
        }


def _again(kept: _Kept, key: str, fingerprint: bytes) -> Reply:
    if kept.fingerprint != fingerprint:
        text = (
            "Keys for idempotent requests can only be used with the same parameters they were first used with. "
            f"Try using a key other than '{key}' if you meant to execute a different request."
        )
        return failure_reply("stripe", Failure(400, text, type="idempotency_error"))
    if kept.first.open:
        text = f"There is currently another in-progress request using this Idempotent Key ({key})."
        return failure_reply("stripe", Failure(409, text, "idempotency_key_in_use", "idempotency_error"))
    fields = (*kept.reply.fields, ("idempotent-replayed", "true"))
    return msgspec.structs.replace(kept.reply, fields=fields, acted=False, replayed=True, first_ms=0.0)


def _amount(form: dict[str, Any]) -> tuple[int, str]:
    for name in ("amount", "currency"):
        if not form.get(name):
            raise refuse(400, f"Missing required param: {name}.", "parameter_missing", param=name)
    text = str(form["amount"])
    if not text.lstrip("-").isdigit():
        raise refuse(400, f"Invalid integer: {text}", "parameter_invalid_integer", param="amount")
    if int(text) < 1:
        raise refuse(
            400, "This value must be greater than or equal to 1.", "parameter_invalid_integer", param="amount"
        )
    return int(text), str(form["currency"])


def _decline(source: Any, charge: str, intent: dict[str, Any] | None = None) -> None:
    """Raises the card error of a source that declines: a test token, a test payment method or a card number."""
    given = str(source.get("number", "")) if isinstance(source, dict) else str(source or "")
    name = given.removeprefix("tok_").removeprefix("pm_card_").removeprefix("tok_visa_").replace(" ", "")
    if name not in DECLINES:
        return
    code, message = _CODES.get(name, ("card_declined", "Your card was declined."))
    extra: dict[str, Any] = {"charge": charge}
    if DECLINES[name]:
        extra["decline_code"] = DECLINES[name]
    if intent is not None:
        intent["status"] = "requires_payment_method"
        extra["payment_intent"] = intent
    raise Refusal(Failure(402, message, code, "card_error", extra=extra))


def _changed(found: dict[str, Any], form: dict[str, Any]) -> dict[str, Any]:
    metadata = form.pop("metadata", None)
    if isinstance(metadata, dict):
        merged = {**found.get("metadata", {}), **metadata}
        found["metadata"] = {key: value for key, value in merged.items() if value != ""}
    for name, value in form.items():
        if name in found and name not in ("id", "object", "created", "livemode", "status"):
            found[name] = (
                int(value) if isinstance(found[name], int) and str(value).isdigit() else value or None
            )
    return found


def _listed(path: str, known: dict[str, dict[str, Any]], form: dict[str, Any]) -> dict[str, Any]:
    """Newest first, `limit` at a time, from `starting_after` or up to `ending_before`."""
    limit = int(form.get("limit", 10))
    if not 1 <= limit <= 100:
        raise refuse(400, "This value must be between 1 and 100.", "parameter_invalid_integer", param="limit")
    wanted = {name: form[name] for name in ("customer", "email", "payment_intent") if name in form}
    rows = [row for row in reversed(known.values()) if not row.get("deleted")]
    rows = [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]
    names = [row["id"] for row in rows]
    start = names.index(form["starting_after"]) + 1 if form.get("starting_after") in names else 0
    if form.get("ending_before") in names:
        end = names.index(form["ending_before"])
        return {
            "object": "list",
            "url": path,
            "has_more": end > limit,
            "data": rows[max(end - limit, 0) : end],
        }
    return {
        "object": "list",
        "url": path,
        "has_more": start + limit < len(rows),
        "data": rows[start : start + limit],
    }
