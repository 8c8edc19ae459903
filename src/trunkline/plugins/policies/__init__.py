"""The rules that calls and attempts pass, one a file. The order is that of the two lists in `app.py`'s `CALL` and `ATTEMPT`."""
