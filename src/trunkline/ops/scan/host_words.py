"""The words by which hosts, paths, names and calls are told apart: what is an API, what a link, what nobody's. Tables only.

Not for: the judgement (`hosts.py`).
"""

from __future__ import annotations

import re


def _any(words: str) -> str:
    """The words, parted by spaces, as alternatives; `.` is itself and `*` any letters."""
    return "|".join(re.escape(word).replace(r"\*", r"[\w-]*") for word in words.split())


NOBODYS_ENDS = "example invalid test local localhost localdomain internal lan home corp intranet"
NOBODYS_DOMAINS = (
    "example.com example.org example.net example.edu domain.com domain.tld foo.com foobar.com bar.com "
    "acme.com company.com host.com site.com test.com url.com server.com your*.com your*.io your*.dev "
    "your*.app your*.net your*.org my*domain.com my*app.com mycompany.com some*.com"
)
NOBODY = re.compile(
    rf"(?:^|\.)(?:{_any(NOBODYS_ENDS)}|{_any(NOBODYS_DOMAINS)})$|^(?:your|my|some)[-_.]|(?:^|[-_.])(?:example|placeholder|yourdomain)[-_.]"
)
"""Names that stand for others, and names of one's own machine and network."""

SPECS = re.compile(
    r"(?:^|\.)(?:"
    + _any(
        "w3.org schema.org json-schema.org schemastore.org xmlsoap.org purl.org oasis-open.org ietf.org "
        "opengis.net ogp.me gmpg.org www.iana.org spdx.org creativecommons.org unicode.org xmlns.com "
        "sitemaps.org openxmlformats.org"
    )
    + ")$"
)
"""Addresses there are names of standards."""

READ = re.compile(
    "^(?:"
    + _any(
        "doc docs documentation help support developer developers dev blog status community forum forums "
        "learn wiki console dashboard portal manual guide guides playground tutorial tutorials news about "
        "careers legal trust marketplace storybook demo me my account"
    )
    + r")\."
)
"""Hosts where people read and click."""

LINKED = re.compile(
    r"^(?:www\.)?(?:"
    + _any(
        "github.com gist.github.com gitlab.com stackoverflow.com stackexchange.com medium.com dev.to "
        "youtube.com youtu.be npmjs.com rubygems.org packagist.org pypi.org pkg.go.dev godoc.org "
        "readthedocs.io readthedocs.org developer.mozilla.org gravatar.com googletagmanager.com google- "
        "analytics.com google.com fonts.googleapis.com fonts.gstatic.com gstatic.com cdn.jsdelivr.net "
        "unpkg.com cdnjs.cloudflare.com bit.ly t.co goo.gl discord.gg t.me wa.me "
        "raw.githubusercontent.com img.shields.io facebook.com instagram.com twitter.com x.com"
    )
    + r")$|\.(?:github\.io|gitlab\.io|readthedocs\.io|readthedocs\.org)$"
)
"""Hosts to which links lead, mostly. A request to one counts all the same."""

_API_LABELS = _any(
    "api apis rest graph graphql gateway hooks webhooks events rpc oauth oauth2 auth login id "
    "identity token ingest upload ws data connect service services webservice webservices"
)
API_HOST = re.compile(
    rf"^(?:[a-z0-9-]+\.)?(?:{_API_LABELS})(?:[-0-9][a-z0-9-]*)?\.|^[a-z0-9]+-api\.|(?:^|[.-])api(?:[-.0-9]|$)"
)
API_PATH = re.compile(
    r"^/(?:api|apis|rest|rpc|graphql|oauth2?|v[0-9]|[a-z-]+/v[0-9]|webhooks?|hooks?|query|services?|token)(?:[/.?]|$)"
    r"|/v[0-9]+(?:\.[0-9]+)?(?:/|$)|/api(?:/|$)|\.json$"
)
AUTHORIZE = re.compile(r"/(?:authorize|auth|login|signin|dialog/oauth|connect/oauth2)/?$")
"""Where a browser is sent to log in."""
SCOPE = re.compile(r"^/auth/[a-z.]+")
"""Google's scopes look like addresses."""

ENDPOINT_NAME = re.compile(
    r"(?:URL|URI|ENDPOINT|ROOT|BASE|HOST|HOSTNAME|SITE|SERVER|ORIGIN|DOMAIN|ADDRESS|API|TARGET|GATEWAY)S?$"
)
BASE_NAME = re.compile(
    r"(?:^|_)(?:API_(?:URL|URI|BASE|ROOT|HOST|ENDPOINT|SERVER)|BASE_?UR[LI]|ENDPOINT(?:_UR[LI])?|REST_URL|TOKEN_UR[LI]|"
    r"WELL_KNOWN_URL|SERVER_URL|SERVICE_URL)$"
)
SURELY_NAME = re.compile(r"(?:API|ENDPOINT|BASE|ROOT|TOKEN|OAUTH)")
LINK_NAME = re.compile(
    r"(?:HREF|SRC|LINK|DOC|DOCS|HELP|HOMEPAGE|WEBSITE|IMAGE|IMG|ICON|LOGO|AVATAR|PICTURE|PHOTO|SCHEMA|XMLNS|TITLE|DESCRIPTION|LABEL|TEXT|"
    r"MESSAGE|HINT|PLACEHOLDER|REPOSITORY|BUGS|LICENSE|AUTHOR|CANONICAL|REFERER|REFERRER|FAVICON|TERMS|PRIVACY|CONTEXT|SCOPE|README)S?"
    r"(?:_(?:URL|URI|HREF))?$"
)

_SENDERS = _any(
    "fetch ofetch axios got ky superagent needle undici request requests urlopen urlretrieve "
    "curl_init file_get_contents websocket eventsource newrequest newrequestwithcontext httprequest "
    "urlconnection resttemplate webclient openconnection requestbuilder httpget httppost httpput "
    "postform"
)
_CLIENTS = _any(
    "fetch axios axiosinstance ky got http https $http client session request requests httpx aiohttp "
    "urllib urllib3 faraday httparty typhoeus excon restclient rest_client guzzle connection conn "
    "agent pool api resty webclient resttemplate unirest okhttp superagent access_token oauth oauth2 "
    "consumer net::http rest"
)
_VERBS = _any(
    "get post put patch delete head options request fetch send open stream do call json getasync "
    "postasync getjson postjson postform newrequest newrequestwithcontext exchange getforobject "
    "postforobject getforentity postforentity start get_response post_form"
)
SENDS = re.compile(
    rf"(?i)(?:^|[.:>\\])(?:{_SENDERS})$"
    rf"|(?:{_CLIENTS})(?:\(\))?(?:\.|::|->)(?:{_VERBS})$"
    r"|(?:^|[.:>\\])(?:faraday|excon|net::http(?:::\w+)?|http|httpclient|httparty|restclient::request|rest_client)(?:\.|::)new$"
    r"|^https?(?:\.|::|->)\w+$"
    r"|(?:^|[.:>\\])(?:get|post|put|patch|delete)(?:_?(?:json|async))?$"
)
"""Calls that send a request to their argument, or build one."""
ROUTES = re.compile(
    r"^(?:router|app|server|route|describe|it|test|Route|mock|nock|stub_request|cy|msw|rest)\b"
)
"""Calls of the same names that declare what is served, or pretend."""
TAKES_ADDRESS = re.compile(
    r"(?i)(?:^|[.:>])(?:url|uri|uri\.(?:parse|create)|url\.(?:parse|resolve)|parse_?url|uri::parse|with_?base_?ur[il]|base_?ur[il]|set_?base_?ur[il])$"
)
ONLY_SAYS = re.compile(
    r"^(?:open|push|redirect|redirect_to|link_to|assign|replace|startsWith|starts_with|startswith|includes|HasPrefix|Contains|contains|"
    r"indexOf|test|match|log|info|warn|warning|error|debug|print|println|puts|echo|fail|help|raise|Error|Exception|_|t|gettext|assertEqual|expect)$"
)
"""Calls that show, compare or lead a browser somewhere."""
SENDER_WORDS = re.compile(r"(?i)urllib|http|request|session|client|pool|net")
MARKUP = re.compile(
    r"(?i)(?:\b(?:href|src|srcset|action|xmlns(?::\w+)?|content|poster|data-\w+|to|cite)\s*=\s*\{?|(?<![\w.])url\()\s*[\"'`]?$"
)
