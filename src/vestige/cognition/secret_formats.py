"""The formats of keys and tokens that cannot be taken for anything else.

Only formats with a fixed beginning or frame are here, so that prose, identifiers, hashes and ids
are left alone: nothing is guessed from how random a word looks, or from a name such as `password`.

Each pattern starts with literal characters, by which `re` finds it fast, and its `(?<!...)` forbids
that a match starts inside of a longer word. A repetition either has a small limit, or cannot start
anew inside of itself; else a text of nothing but beginnings would take minutes.

Source: what the providers document about their tokens; `tests/unit/test_secret_formats.py` compares
with the detectors of `detect-secrets`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final


@dataclass(frozen=True, kw_only=True, slots=True)
class SecretFormat:
    """A kind of secret.

    Attributes:
        kind: its name, for people.
        marker: characters that every one of them holds; a text without is not looked at further.
        pattern: what matches it. A group named `secret` is the part to take out, else it is all.
        may_be_placeholder: whether the part may be a word that stands for a secret.
    """

    kind: str
    marker: str
    pattern: re.Pattern[str]
    may_be_placeholder: bool = False


PRIVATE_KEY_KIND: Final = "private key"
PRIVATE_KEY_MARKER: Final = "PRIVATE KEY"

# Characters of words, and of tokens.
_WORD: Final = r"A-Za-z0-9"
_TOKEN: Final = r"A-Za-z0-9_\-"  # noqa: S105  # characters, not a token
_END: Final = rf"(?![{_WORD}])"

# (kind, the literal beginning, what else a beginning has, the rest)
_PREFIXED: Final = (
    ("AWS access key", "AKIA", "", r"[0-9A-Z]{16}"),
    ("AWS access key", "ASIA", "", r"[0-9A-Z]{16}"),
    ("AWS access key", "ABIA", "", r"[0-9A-Z]{16}"),
    ("AWS access key", "ACCA", "", r"[0-9A-Z]{16}"),
    ("AWS access key", "A3T", "[A-Z0-9]", r"[0-9A-Z]{16}"),
    ("GitHub token", "gh", "[pousr]_", r"[A-Za-z0-9_]{36,255}"),
    ("GitHub token", "github_pat_", "", r"[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    (
        "GitLab token",
        "gl",
        "(?:oas|pat|cbt|imt|ptt)-",
        r"[A-Za-z0-9_\-]{20,300}(?:\.[a-z0-9.]{9,})?",
    ),
    ("GitLab token", "gl", "(?:dt|ft|rt)-", r"[A-Za-z0-9_\-]{20,300}(?:\.[a-z0-9.]{9,})?"),
    ("GitLab token", "gl", "(?:soat|ffct)-", r"[A-Za-z0-9_\-]{20,300}"),
    ("GitLab token", "glagent-", "", r"[A-Za-z0-9_\-]{50,1024}"),
    ("GitLab token", "GR1348941", "", r"[A-Za-z0-9_\-]{20,50}"),
    ("Slack token", "xox", "[abeoprs]-", r"(?:[0-9]{1,20}-){1,4}[A-Za-z0-9]{1,200}"),
    ("Slack token", "xox", "[ep]-", r"[0-9]-[A-Za-z0-9]{20,250}"),
    ("Slack token", "xapp-", "", r"[0-9]-[A-Z0-9]{5,20}-[0-9]{5,20}-[a-z0-9]{20,100}"),
    ("Stripe key", "sk_", "", r"(?:live|test)_[0-9A-Za-z]{16,255}"),
    ("Stripe key", "rk_", "", r"(?:live|test)_[0-9A-Za-z]{16,255}"),
    ("Stripe key", "whsec_", "", r"[A-Za-z0-9+/]{32,100}"),
    ("Anthropic API key", "sk-ant-", "", r"[a-z]{3,8}[0-9]{2}-[A-Za-z0-9_\-]{20,200}"),
    ("OpenRouter API key", "sk-or-v1-", "", r"[0-9a-f]{64}"),
    ("OpenAI API key", "sk-", "", r"(?:proj|svcacct|admin|None)-[A-Za-z0-9_\-]{20,250}"),
    ("OpenAI API key", "sk-", "", r"[A-Za-z0-9_\-]{16,250}?T3BlbkFJ[A-Za-z0-9_\-]{20,250}"),
    ("API key", "sk-", "", r"[A-Za-z0-9]{32,64}"),
    ("Google API key", "AIza", "", r"[0-9A-Za-z_\-]{35}"),
    ("Google OAuth secret", "GOCSPX-", "", r"[0-9A-Za-z_\-]{28}"),
    ("Google OAuth token", "ya29.", "", r"[0-9A-Za-z_\-]{30,2000}"),
    ("Hugging Face token", "hf_", "", r"[A-Za-z0-9]{30,40}"),
    ("npm token", "npm_", "", r"[A-Za-z0-9]{36}"),
    ("PyPI token", "pypi-AgE", "", r"[A-Za-z0-9_\-]{50,1000}"),
    ("RubyGems token", "rubygems_", "", r"[0-9a-f]{48}"),
    ("Docker token", "dckr_", "(?:pat|oat)_", r"[A-Za-z0-9_\-]{27,100}"),
    ("DigitalOcean token", "do", "[opr]_v1_", r"[0-9a-f]{64}"),
    ("SendGrid API key", "SG.", "", r"[A-Za-z0-9_\-]{22}\.[A-Za-z0-9_\-]{43}"),
    ("Twilio API key", "SK", "", r"[0-9a-f]{32}"),
    ("Square token", "sq0", "(?:csp|atp)-", r"[0-9A-Za-z_\-]{22,43}"),
    ("Shopify token", "shp", "(?:at|ca|pa|ss)_", r"[0-9a-fA-F]{32}"),
    ("Databricks token", "dapi", "", r"[0-9a-f]{32}(?:-[0-9])?"),
    ("Vault token", "hv", "[sbr]\\.", r"[A-Za-z0-9_\-]{24,300}"),
    ("Grafana token", "glsa_", "", r"[A-Za-z0-9]{32}_[0-9a-f]{8}"),
    ("Linear API key", "lin_api_", "", r"[A-Za-z0-9]{40}"),
    ("Notion token", "ntn_", "", r"[0-9]{11}[A-Za-z0-9]{35}"),
    ("Postman API key", "PMAK-", "", r"[0-9a-f]{24}-[0-9a-f]{34}"),
    ("New Relic key", "NRAK-", "", r"[A-Z0-9]{27}"),
    ("Replicate token", "r8_", "", r"[A-Za-z0-9]{37}"),
    ("Groq API key", "gsk_", "", r"[A-Za-z0-9]{52}"),
    ("xAI API key", "xai-", "", r"[A-Za-z0-9]{80}"),
    ("Perplexity API key", "pplx-", "", r"[A-Za-z0-9]{48}"),
    ("Tailscale key", "tskey-", "", r"[a-z]{3,10}-[A-Za-z0-9]{8,40}-[A-Za-z0-9]{20,60}"),
    ("Supabase token", "sbp_", "", r"[0-9a-f]{40}"),
    ("Artifactory token", "AKCp", "", r"[A-Za-z0-9]{69}"),
    ("age key", "AGE-SECRET-KEY-1", "", r"[0-9A-Z]{58}"),
)

# (kind, marker, the whole pattern, whether a placeholder may stand there)
_FRAMED: Final = (
    (
        "AWS secret key",
        "",
        (
            r"(?i)aws.{0,20}(?:key|token|secret)[\"']?\s{0,5}[=:]\s{0,5}[\"']?"
            r"(?P<secret>[0-9a-zA-Z/+]{40})(?![0-9a-zA-Z/+=])"
        ),
        False,
    ),
    (
        "Slack webhook",
        "hooks.slack.com",
        (
            r"hooks\.slack\.com/services/(?P<secret>T[A-Za-z0-9_]{1,20}/B[A-Za-z0-9_]{1,20}/"
            r"[A-Za-z0-9_]{8,50})"
        ),
        False,
    ),
    (
        "JSON Web Token",
        "eyJ",
        rf"eyJ(?<![{_TOKEN}]eyJ)[{_TOKEN}]{{8,}}+\.eyJ[{_TOKEN}]{{8,}}+\.[{_TOKEN}]{{16,}}+",
        False,
    ),
    (
        "Azure storage key",
        "AccountKey=",
        r"AccountKey=(?P<secret>[A-Za-z0-9+/=]{88})",
        False,
    ),
    (
        "Telegram bot token",
        ":AA",
        rf"(?<![{_WORD}])[0-9]{{8,10}}:AA[{_TOKEN}]{{33}}(?![{_TOKEN}])",
        False,
    ),
    (
        "Discord bot token",
        ".",
        (
            rf"(?<![{_TOKEN}.])[MNO][{_TOKEN}]{{23,25}}\.[{_TOKEN}]{{6}}\.[{_TOKEN}]{{27,38}}"
            rf"(?![{_TOKEN}.])"
        ),
        False,
    ),
    (
        "Terraform token",
        ".atlasv1.",
        rf"(?<![{_WORD}])[A-Za-z0-9]{{14}}\.atlasv1\.[{_TOKEN}=]{{60,100}}",
        False,
    ),
    (
        "private key",
        "Private-Lines:",
        r"Private-Lines: [0-9]{1,4}(?P<secret>(?:\r?\n[A-Za-z0-9+/=]{1,64}){1,200})",
        False,
    ),
    (
        "npm token",
        "_authToken",
        rf":_authToken\s{{0,5}}=\s{{0,5}}[\"']?(?P<secret>[{_TOKEN}]{{30,200}})",
        True,
    ),
    (
        "password in a URL",
        "://",
        r"://[^\s/?#@:\"'<>`]{0,255}:(?P<secret>[^\s/?#@\"'<>`]{1,255})@[A-Za-z0-9\[]",
        True,
    ),
    (
        "authorization header",
        "",
        (
            r"(?i)authorization[\"']?:\s{0,4}[\"']?(?:basic|bearer|token)\s{1,4}"
            r"(?P<secret>[A-Za-z0-9+/._~\-]{12,4096}={0,2})"
        ),
        True,
    ),
)

# The words of examples: `user:password@host`, `${TOKEN}`, `YOUR_API_KEY`, `xxxx`, `***`, `...`.
PLACEHOLDER: Final = re.compile(
    r"(?:password|passwd|pass|pwd|pw|secret|token|\$.*|%.*|\{.*|\[.*|x+|X+|\*+|\.+|…+|•+"
    r"|[A-Z]+(?:_[A-Z]+)*|(?:your|my)[_\-].*)\Z"
)


@cache
def secret_formats() -> tuple[SecretFormat, ...]:
    """Return all formats; compiled at the first call, which takes a few hundredths of a second."""
    return tuple(_prefixed(*row) for row in _PREFIXED) + tuple(
        SecretFormat(
            kind=kind, marker=marker, pattern=re.compile(pattern), may_be_placeholder=may_stand
        )
        for kind, marker, pattern, may_stand in _FRAMED
    )


def _prefixed(kind: str, literal: str, more: str, rest: str) -> SecretFormat:
    beginning = re.escape(literal) + more
    alternatives = _alternatives(more)
    # Of the long ones that share `sk-` none starts behind a hyphen, which each of them may hold.
    before = _TOKEN if literal.startswith("sk-") else _WORD
    # Behind the beginning, not before it: `re` looks fast for what starts with literal characters.
    not_inside = "".join(
        rf"(?<![{before}]{re.escape(literal)}{alternative})" for alternative in alternatives
    )
    return SecretFormat(
        kind=kind, marker=literal, pattern=re.compile(beginning + not_inside + rest + _END)
    )


def _alternatives(more: str) -> list[str]:
    """Return the words of `(?:a|b)-`, because a look-behind has one length; else what is given."""
    if not more.startswith("(?:"):
        return [more]
    words, _, end = more.removeprefix("(?:").partition(")")
    return [word + end for word in words.split("|")]
