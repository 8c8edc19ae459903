"""Makes the invoice of an order, as a PDF."""

import os

import requests

from problems import outside

RENDER_URL = os.environ.get("TRUNKLINE_URL", "http://127.0.0.1:4000") + "/api/proxy/pdfshift/v3/convert/pdf"


def render(page):
    answer = requests.post(
        RENDER_URL,
        json={"source": page},
        headers={"Authorization": "Bearer " + os.environ["TRUNKLINE_KEY"], "x-trunkline-feature": "orders"},
    )
    answer.raise_for_status()
    return answer


def invoice(order, email):
    answer = outside(lambda: render(f"<h1>Invoice {order}</h1><p>For {email}</p>"))
    if "x-trunkline-fallback" in answer.headers:
        return answer.json()["notice"]
    return f"{len(answer.content)} bytes"
