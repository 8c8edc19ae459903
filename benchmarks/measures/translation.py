"""Processor time of a call from an OpenAI client to a vendor that speaks Anthropic's dialect, beside one that need not be translated.

In turn, the same load and the same words; a pair is one run of each. Not for: streams.
"""

from __future__ import annotations

from benchmarks import nginx, product, tools, wrk
from benchmarks.bench import Bench, need_processor_time
from benchmarks.figures import Pair, middle, ratios, spread
from benchmarks.payload import CHAT, MODEL
from benchmarks.product import CHAT_PATH, CLAUDE_MODEL
from benchmarks.report import Row, Target

RATIO = Target(2.0, "x")
ASKED = CHAT.replace(f'"{MODEL}"', f'"{CLAUDE_MODEL}"', 1)


def run(bench: Bench) -> list[Row]:
    need_processor_time()
    tools.need("nginx", "wrk")
    pairs: list[Pair] = []
    with (
        nginx.upstream(bench) as upstream,
        product.running(bench, upstream.port, claude=True) as trunkline,
        trunkline.console_paused(),
    ):
        pids, port, fields = [trunkline.gateway], trunkline.port, trunkline.fields
        for warm in (True, *[False] * bench.pairs):
            seconds = 1.0 if warm else bench.seconds
            plain = wrk.spent(bench, pids, port, CHAT_PATH, fields, seconds)
            translated = wrk.spent(bench, pids, port, CHAT_PATH, fields, seconds, body=ASKED)
            if not warm:
                pairs.append(Pair(translated.us_per_call, plain.us_per_call))
                bench.say(
                    f"  {pairs[-1].ours:.1f} us a call, untranslated {pairs[-1].nginx:.1f}: {pairs[-1].ratio:.2f} x"
                )
    return rows(pairs)


def rows(pairs: list[Pair]) -> list[Row]:
    """What the pairs come to; `nginx` of a pair is the untranslated call here."""
    each, ours = ratios(pairs), [p.ours for p in pairs]
    plain = middle([p.nginx for p in pairs])
    return [
        Row(
            "translation.ratio",
            "processor time per call openai -> anthropic, of the untranslated one",
            middle(each),
            "x",
            RATIO,
            f"median of {len(each)} pairs, {spread(each, 2)}; {middle(ours):.1f} us, untranslated {plain:.1f} us",
            each,
        )
    ]
