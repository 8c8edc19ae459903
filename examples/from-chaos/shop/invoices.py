"""Makes the invoice of an order, as a PDF."""

import os

import requests

RENDER_URL = "https://api.pdfshift.io/v3/convert/pdf"


def invoice(order, email):
    try:
        answer = requests.post(
            RENDER_URL,
            json={"source": f"<h1>Invoice {order}</h1><p>For {email}</p>"},
            headers={"Authorization": "Bearer " + os.environ["PDFSHIFT_TOKEN"]},
        )
        answer.raise_for_status()
    except requests.RequestException as error:
        raise RuntimeError("invoice failed") from error
    return f"{len(answer.content)} bytes"
