"""The console process: drains the journal into the ledger and answers the admin API and metrics.

It carries no call: the gateway goes on when it is down. Changing things is `control/`'s; here they are only asked for and shown.
"""
