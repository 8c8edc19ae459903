"""How one call runs: resolve, admit, attempt, deliver, settle, record. Knows `core` only; `app.py` hands it the other parts."""
