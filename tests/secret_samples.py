"""Made-up keys and tokens, put together here so that no scanner takes this file for a leak."""

from __future__ import annotations

import base64
import json
from typing import Final

HEX: Final = "0123456789abcdef"
MIXED: Final = "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zAbCdEfGhIjKlMnOpQrStUvWxYz0123456789" * 4


def _part(claims: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


def _pem(label: str) -> str:
    body = "\n".join(MIXED[start : start + 64] for start in range(0, 192, 64))
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----"


# Kind -> secrets of it: what has to be gone afterwards.
SECRETS: Final[dict[str, tuple[str, ...]]] = {
    "AWS access key": ("AKIA" + "QYLPMN5HFIQR7XYA", "ASIA" + "QYLPMN5HFIQR7XYA"),
    "GitHub token": (
        "ghp_" + MIXED[:36],
        "ghs_" + MIXED[:36],
        "github_pat_" + MIXED[:22] + "_" + MIXED[:59],
    ),
    "GitLab token": ("glpat-" + MIXED[:20], "gldt-" + MIXED[:20], "glptt-" + MIXED[:40]),
    "Slack token": (
        "xoxb-" + "123456789012-123456789012-" + MIXED[:24],
        "xoxp-1234-5678-" + MIXED[:20],
    ),
    "Stripe key": ("sk_" + "live_" + MIXED[:24], "rk_" + "live_" + MIXED[:24]),
    "Anthropic API key": ("sk-" + "ant-api03-" + MIXED[:93] + "AA",),
    "OpenAI API key": ("sk-" + "proj-" + MIXED[:48], "sk-" + MIXED[:20] + "T3BlbkFJ" + MIXED[:20]),
    "API key": ("sk-" + MIXED[:48],),
    "Google API key": ("AIza" + MIXED[:35],),
    "Hugging Face token": ("hf_" + MIXED[:34],),
    "npm token": ("npm_" + MIXED[:36],),
    "PyPI token": ("pypi-" + "AgEIcHlwaS5vcmc" + MIXED[:80],),
    "SendGrid API key": ("SG." + MIXED[:22] + "." + MIXED[:43],),
    "Twilio API key": ("SK" + HEX * 2,),
    "DigitalOcean token": ("dop_v1_" + HEX * 4,),
    "Vault token": ("hvs." + MIXED[:90],),
    "Databricks token": ("dapi" + HEX * 2,),
    "Telegram bot token": ("123456789:AA" + MIXED[:33],),
    "Discord bot token": ("M" + MIXED[:23] + "." + MIXED[:6] + "." + MIXED[:27],),
    "age key": ("AGE-SECRET-KEY-1" + MIXED[:58].upper(),),
    "JSON Web Token": (f"{_part({'alg': 'HS256'})}.{_part({'sub': 'somebody'})}.{MIXED[:43]}",),
    "private key": (
        _pem("RSA " + "PRIVATE KEY"),
        _pem("PRIVATE KEY"),
        _pem("OPENSSH PRIVATE KEY"),
        _pem("PGP PRIVATE KEY BLOCK"),
    ),
}

# Kind -> (text before, secret, text after): only the part in between is secret.
FRAMED: Final[dict[str, tuple[tuple[str, str, str], ...]]] = {
    "password in a URL": (
        ("postgresql://app:", "tr0ub4dor", "@db.example.com/shop"),
        ("https://deploy:", MIXED[:20], "@example.com"),
    ),
    "AWS secret key": (("aws_secret_access_key = ", MIXED[:40], ""),),
    "Azure storage key": (("AccountName=a;AccountKey=", MIXED[:86] + "==", ";End"),),
    "Slack webhook": (
        ("https://hooks.slack.com/services/", "T0AAAAAAA/B0BBBBBBB/" + MIXED[:24], ""),
    ),
    "authorization header": (
        ("Authorization: Bearer ", MIXED[:32], ""),
        ('"authorization": "Basic ', "dXNlcjpwYXNzd29yZA==", '"'),
    ),
    "npm token": (("//registry.npmjs.org/:_authToken=", MIXED[:36], ""),),
}

# What looks a little like a secret, and is none.
HARMLESS: Final = (
    "The deploy runs at 9 and takes 4 minutes",
    "postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
    "postgresql://user:password@localhost/db and https://user:${TOKEN}@example.com",
    "mysql://root:****@db and redis://:<password>@cache and amqp://a:{secret}@mq",
    "https://example.com:8080/a@b and git@github.com:owner/name.git",
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8 and sha256 " + HEX * 4,
    "id 0198c6a2-7b7e-7d3c-9d3e-5f1f2a3b4c5d",
    "a key begins with -----BEGIN PRIVATE KEY----- and ends with -----END PRIVATE KEY-----",
    "tokens start with ghp_, glpat-, xoxb-, sk-ant-, AKIA or eyJ",
    "set Authorization: Bearer $TOKEN or Authorization: Bearer YOUR_API_KEY_HERE",
    "export OPENAI_API_KEY=sk-...",
    "the disk-encryption-of-all-the-laptops-in-the-office-and-elsewhere task",
    "aws_secret_access_key comes from the vault",
    "data:image/png;base64," + MIXED,
    "SKILLS and SKUs, version 1.2.3, user.name.surname, module.submodule.function_name",
)
