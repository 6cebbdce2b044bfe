"""Small lists of English words: negations, opposites, numbers, months, beginnings of sentences.

They are meant to be read and extended. A word that is missing costs a reason, never a memory.
"""

from __future__ import annotations

from typing import Final


def words(text: str) -> frozenset[str]:
    """Return the words of a text, to read a list of them."""
    return frozenset(text.split())


def _exclusive(text: str) -> dict[str, frozenset[str]]:
    """Read words that exclude each other, separated by strokes."""
    others: dict[str, set[str]] = {}
    for group in text.split():
        members = group.split("/")
        for word in members:
            others.setdefault(word, set()).update(set(members) - {word})
    return {word: frozenset(excluded) for word, excluded in others.items()}


NEGATIONS: Final = words("not no never none nobody nothing neither nor without cannot")
CONTRACTED_NOT: Final = ("n't", "n\u2019t")  # don't, isn't, can't

# Base forms; `stem` brings enabled, enables and enabling to enable.
OPPOSITES: Final = _exclusive(
    """
    enable/disable allow/forbid allow/forbidden allow/prohibit permit/prohibit allow/deny
    allow/block permit/forbid accept/reject accept/decline
    approve/reject approve/deny grant/revoke include/exclude require/optional mandatory/optional
    required/optional necessary/unnecessary use/avoid prefer/avoid like/dislike love/hate like/hate
    prefer/dislike always/never sometimes/never always/sometimes often/rarely everyone/nobody
    all/none on/off true/false yes/no open/close open/shut start/stop begin/end start/end
    begin/finish run/stop add/remove add/delete create/delete insert/delete install/uninstall
    mount/unmount lock/unlock encrypt/decrypt encode/decode load/unload upload/download push/pull
    import/export increase/decrease raise/lower grow/shrink up/down above/below over/under
    before/after first/last early/late earlier/later old/new oldest/newest latest/oldest
    high/low higher/lower highest/lowest more/less more/fewer most/least maximum/minimum max/min
    big/small large/small long/short longer/shorter fast/slow faster/slower quick/slow hot/cold
    warm/cool light/dark bright/dark hard/soft hard/easy difficult/easy simple/complex good/bad
    better/worse best/worst right/wrong correct/incorrect correct/wrong valid/invalid safe/unsafe
    secure/insecure safe/dangerous stable/unstable public/private internal/external local/remote
    online/offline inside/outside left/right top/bottom front/back horizontal/vertical
    ascending/descending synchronous/asynchronous sync/async static/dynamic mutable/immutable
    visible/hidden show/hide read-only/writable readonly/writable full/empty present/absent
    available/unavailable supported/unsupported support/unsupported supported/deprecated
    active/inactive alive/dead connected/disconnected connect/disconnect healthy/unhealthy
    success/failure succeed/fail pass/fail win/lose won/lost gain/lose buy/sell give/take
    send/receive agree/disagree keep/discard keep/drop keep/remove merge/split join/leave
    hire/fire married/single married/divorced vegetarian/carnivore morning/evening day/night
    tabs/spaces manual/automatic known/unknown same/different
    possible/impossible legal/illegal cheap/expensive rich/poor strong/weak together/alone
    strict/lenient verbose/quiet blocking/nonblocking sequential/parallel serial/parallel
    positive/negative odd/even included/excluded paid/free done/pending finished/unfinished
    complete/incomplete resolved/unresolved fixed/broken
    red/orange/yellow/green/blue/violet/purple/pink/brown/black/white/grey
    npm/pnpm/yarn/bun pip/poetry/uv/conda mysql/postgres/sqlite/mongodb json/yaml/toml/xml
    linux/windows/macos daily/weekly/monthly/yearly hourly/nightly/weekly
    """
)
AUXILIARIES: Final = words(
    "is was are were has had have will would can could should shall may might must does did do"
)
PLURAL_AUXILIARIES: Final = words("are were have do")
# After a first word with a capital these make it a name: `Redis stores`, but not `Use tabs`.
THIRD_PERSON_VERBS: Final = words(
    """
    asked asks became belongs brings broke builds calls came contains costs decided depends drinks
    drives eats expects failed fixed gave gets gives goes handles hates hosts joined joins keeps
    knows leads left lets likes listens lives loves maintains makes manages means moved needs owns
    pays plays prefers provides reads recommends refuses replaced reports requires responds returns
    reviews runs said says sends serves signed sits speaks stands started stopped stores studies
    supports takes teaches tells thinks uses used wants went works writes wrote
    """
)
_COUNTED: Final = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen twenty
"""
NUMBER_WORDS: Final = {word: str(number) for number, word in enumerate(_COUNTED.split())} | {
    "once": "1x",
    "twice": "2x",
    "thrice": "3x",
    "thirty": "30",
    "forty": "40",
    "fifty": "50",
    "sixty": "60",
    "seventy": "70",
    "eighty": "80",
    "ninety": "90",
    "hundred": "100",
    "thousand": "1000",
    "million": "1000000",
    "billion": "1000000000",
    "dozen": "12",
}
MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            ("january", "jan"),
            ("february", "feb"),
            ("march", "mar"),
            ("april", "apr"),
            ("may",),
            ("june", "jun"),
            ("july", "jul"),
            ("august", "aug"),
            ("september", "sep", "sept"),
            ("october", "oct"),
            ("november", "nov"),
            ("december", "dec"),
        ),
        start=1,
    )
    for name in names
}
WEEKDAYS: Final = {
    form: day
    for day, short in (
        ("monday", "mon"),
        ("tuesday", "tue"),
        ("wednesday", "wed"),
        ("thursday", "thu"),
        ("friday", "fri"),
        ("saturday", "sat"),
        ("sunday", "sun"),
    )
    for form in (day, day + "s", short)
}
DAY_WORDS: Final = words("today yesterday tomorrow tonight weekend weekends weekday weekdays")
BEFORE_A_YEAR: Final = words(
    "in since until till by of from before after during year spring summer autumn fall winter to"
)
UNITS: Final = {
    form: forms[0]
    for forms in (
        ("ns", "nanosecond", "nanoseconds"),
        ("us", "µs", "microsecond", "microseconds"),
        ("ms", "millisecond", "milliseconds", "msec"),
        ("s", "sec", "secs", "second", "seconds"),
        ("min", "mins", "minute", "minutes"),
        ("h", "hr", "hrs", "hour", "hours"),
        ("d", "day", "days"),
        ("weeks", "week"),
        ("months", "month"),
        ("years", "year"),
        ("%", "percent", "pct"),
        ("k", "kilo"),
        ("B", "byte", "bytes"),
        ("kB", "KB", "kb", "kilobyte", "kilobytes"),
        ("KiB",),
        ("MB", "mb", "megabyte", "megabytes"),
        ("MiB",),
        ("GB", "gb", "gigabyte", "gigabytes"),
        ("GiB",),
        ("TB", "tb", "terabyte", "terabytes"),
        ("mm", "millimetre", "millimetres", "millimeter", "millimeters"),
        ("cm", "centimetre", "centimetres", "centimeter", "centimeters"),
        ("m", "metre", "metres", "meter", "meters"),
        ("km", "kilometre", "kilometres", "kilometer", "kilometers"),
        ("miles", "mile", "mi"),
        ("feet", "foot", "ft"),
        ("g", "gram", "grams"),
        ("kg", "kilogram", "kilograms", "kilo", "kilos"),
        ("lb", "lbs", "pound", "pounds"),
        ("l", "litre", "litres", "liter", "liters"),
        ("Hz", "hertz"),
        ("MHz",),
        ("GHz",),
        ("$", "usd", "dollar", "dollars"),
        ("€", "eur", "euro", "euros"),
        ("£", "gbp"),
        ("°C", "celsius"),
        ("°F", "fahrenheit"),
        ("px", "pixel", "pixels"),
    )
    for form in forms
}
# Words that begin with a capital only because a sentence does, also before a verb.
SENTENCE_STARTERS: Final = words(
    """
    a an the this that these those it he she we you they i one some any each every all both many
    most few several other another such what which who whose when where why how if while because
    since although though unless until after before during as at by for from in into of on onto to
    with without within there here then thus so also and but or nor not no never always only just
    even still yet everyone everybody everything someone somebody something anyone anything nobody
    nothing none our my your his her its their please today yesterday tomorrow now later
    """
)
NO_NAMES: Final = (
    SENTENCE_STARTERS
    | AUXILIARIES
    | NEGATIONS
    | words("note todo fixme warning important ok tldr faq am pm dear hello thanks yes")
)
# Words that say little about the subject of a sentence.
FUNCTION_WORDS: Final = (
    SENTENCE_STARTERS
    | AUXILIARIES
    | NEGATIONS
    | words(
        """
        be been being am them him me us than too very much more less own same out up down off over
        under again further once about against between through above below per via
        """
    )
)


def stem(word: str) -> str:
    """Return a word in lower case without the most common English endings.

    Source:
        The first steps of Porter, An algorithm for suffix stripping (Program, 1980), cut down to
        the endings of verbs and plurals.
    """
    word = word.lower()
    for ending, least in (("ly", 7), ("ing", 6), ("ed", 5), ("es", 5), ("s", 4), ("e", 4)):
        if word.endswith(ending) and len(word) >= least and not word.endswith(("ss", "us")):
            word = word[: -len(ending)]
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls":  # noqa: PLR2004  # stop-p
        word = word[:-1]
    return word.removesuffix("e") if len(word) > 3 else word  # noqa: PLR2004  # `see` stays


# What may follow a name at the beginning of a sentence; backups and tests `are`, names are not.
NAME_FOLLOWERS: Final = (AUXILIARIES - PLURAL_AUXILIARIES) | THIRD_PERSON_VERBS

OPPOSITE_STEMS: Final = {
    stem(word): frozenset(stem(other) for other in others) for word, others in OPPOSITES.items()
}
