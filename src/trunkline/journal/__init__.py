"""The journal: what the gateway did, kept before anyone can be told of it; append, read back, recover.

Payloads are opaque bytes here: what a record says is the business of `core/record.py` and of the ledger.
"""
