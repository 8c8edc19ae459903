"""The databases: what the journal told, one SQLite file per day, and roll-ups. The only folder that speaks SQL.

Not for deciding anything about a call: the ledger records what the gateway did.
"""
