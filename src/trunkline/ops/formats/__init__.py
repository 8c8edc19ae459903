"""How an alert is written for each kind of target. Pure: a message in, bytes out. Sending is `ops/notify.py`."""
