#!/bin/sh
# Three calls: a model by its vendor's name, another API through the proxy, and what went wrong in one that fails.
set -eu
url="${TRUNKLINE_URL:-http://127.0.0.1:4000}"
key="Authorization: Bearer ${TRUNKLINE_KEY:?set TRUNKLINE_KEY to a caller key}"

curl --fail-with-body --silent --show-error "$url/v1/chat/completions" -H "$key" -H "Content-Type: application/json" \
  -d '{"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Say hello"}]}'
echo

curl --fail-with-body --silent --show-error "$url/api/proxy/stripe/v1/customers?limit=3" -H "$key" -H "x-trunkline-feature: example"
echo

# Every failure says who caused it, whether to try again, and the correlation id that finds it in the logs.
curl --silent "$url/api/proxy/nobody/v1/things" -H "$key"
echo
