"""The internet, for the shop as it was: what it sends to a vendor's host goes to the simulator instead.

Python loads this by itself when the folder is on PYTHONPATH. `SIMULATOR` is the simulator's address.
"""

import os
from urllib.parse import urlsplit

import requests

VENDORS = {"api.stripe.com": "stripe", "api.pdfshift.io": "pdfshift"}
_send = requests.Session.send


def send(self, request, **options):
    parts = urlsplit(request.url)
    if parts.hostname in VENDORS:
        request.url = f"{os.environ['SIMULATOR']}/{VENDORS[parts.hostname]}{parts.path}"
    return _send(self, request, **options)


requests.Session.send = send
os.environ.setdefault("OPENAI_BASE_URL", os.environ["SIMULATOR"] + "/openai/v1")  # read by its SDK
