"""Several calls in one request, with nothing but Python: models and any API of the registry, answers in order."""

import json
import os
import urllib.request

url = os.environ.get("TRUNKLINE_URL", "http://127.0.0.1:4000")
questions = ["Say hello", "Say hello in German", "Say hello in Latin"]
calls = [
    {
        "id": f"hello-{n}",
        "path": "/v1/chat/completions",
        "body": {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": words}]},
    }
    for n, words in enumerate(questions)
]
calls.append({"id": "models", "method": "GET", "path": "/api/proxy/openai/v1/models"})

request = urllib.request.Request(  # noqa: S310 - an address of your own
    url + "/v1/parallel",
    data=json.dumps({"concurrency": 3, "calls": calls}).encode(),
    headers={"authorization": f"Bearer {os.environ['TRUNKLINE_KEY']}", "content-type": "application/json"},
)
with urllib.request.urlopen(request) as answer:  # noqa: S310
    told = json.load(answer)

for result in told["results"]:
    said = result["body"]["choices"][0]["message"]["content"] if "choices" in result["body"] else ""
    print(result["id"], result["status"], result["headers"].get("x-trunkline-cost-usd", "no price"), said)
print(f"{told['succeeded']} succeeded, {told['failed']} failed")
