"""The shop's features, for a customer: `shop.py EMAIL ask order` answers a question and sells a print."""

import os
import sys
import traceback
from pathlib import Path


def load_env():
    for name in (".env.local", ".env"):
        for line in Path(name).read_text().splitlines() if Path(name).exists() else []:
            if "=" in line and not line.startswith("#"):
                key, _, value = line.partition("=")
                os.environ.setdefault(key, value)


def ask(email):
    from answers import answer

    print("answer:", answer("Where is my parcel?"))


def invoice(email):
    from invoices import invoice

    print("invoice:", invoice("L-77", email))


def pay(email):
    from checkout import pay

    print("payment:", pay(4900, email))


def order(email):
    invoice(email)
    pay(email)


FEATURES = {"ask": ask, "invoice": invoice, "pay": pay, "order": order}


def main(email, *features):
    load_env()
    for name in features:
        try:
            FEATURES[name](email)
        except Exception:
            print(f"{name}:", traceback.format_exc().strip().splitlines()[-1])


if __name__ == "__main__":
    main(*sys.argv[1:])
