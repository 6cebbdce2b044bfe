"""Finding two memories that cannot both be true: the same subject, another value.

The rules ask for agreement in everything but one kind of value. They miss contradictions in other
words rather than report what is none, because a person looks at every report. What they find and
miss is measured in docs/explanation/contradictions.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vestige.cognition import english
from vestige.cognition.differences import differences_of, read_both
from vestige.cognition.facts import Difference, DifferenceKind, Fact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEAST_SIMILARITY: Final = 0.55  # cosine; below it two texts are about different things
LEAST_CONFIDENCE: Final = 0.5
DIFFERENCES_MAX: Final = 2  # more of them, and the texts only look alike

# How sure a difference of a kind is, when the rest of the texts is the same.
CONFIDENCE: Final = {
    DifferenceKind.NUMBER: 0.9,
    DifferenceKind.VERSION: 0.9,
    DifferenceKind.NEGATION: 0.9,
    DifferenceKind.ANTONYM: 0.9,
    DifferenceKind.DATE: 0.8,
    DifferenceKind.NAME: 0.8,
    DifferenceKind.IDENTIFIER: 0.8,
}
OTHER_VERB: Final = 0.75  # factors: the texts say it with another verb
ADDED_WORD: Final = 0.93  # for each word that only one of them has
ADDED_CONDITION: Final = 0.5  # one has a word behind `for`, `in`, `when`: it may limit the value
SEVERAL_DIFFERENCES: Final = 0.9

CONDITIONS: Final = english.words("in for during when if unless except on under within of")
# What says nothing of the subject when only one text has it.
GENERIC: Final = english.words(
    """
    now currently correction update note actually meanwhile anymore since recently today about
    roughly default instead longer already always everybody everyone somebody
    """
)
IRREGULAR: Final = {
    "kept": "keep",
    "sent": "send",
    "built": "build",
    "ran": "run",
    "written": "write",
    "wrote": "write",
    "held": "hold",
    "begun": "begin",
    "began": "begin",
    "left": "leave",
    "led": "lead",
}
VERBS: Final = frozenset(
    english.stem(verb)
    for verb in english.AUXILIARIES
    | english.THIRD_PERSON_VERBS
    | english.words("listen begin meet close open create set")
)
# Of these there is one at a time, so that another name before the verb is another value.
HELD_BY_ONE: Final = frozenset(
    map(english.stem, english.words("owns leads manages maintains heads chairs"))
)
# Of these there may be many: who likes tea may like coffee, too.
HELD_BY_MANY: Final = frozenset(
    map(
        english.stem,
        english.words(
            """
            likes loves hates knows speaks visited supports reads plays drinks eats includes
            contains reviews studies teaches bought tried
            """
        ),
    )
)
# What happens more than once, so that another date is another event.
EVENTS: Final = english.words(
    """
    met talked called visited flew deployed fixed tried ran saw ate went travelled paid released
    shipped discussed reviewed
    """
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Contradiction:
    """Two texts that say different things of one subject.

    Attributes:
        kind: what kind of value they differ in.
        subject: words that they have in common, in the order of the first text.
        a: what the one says, as it was written.
        b: what the other says.
        confidence: 0 to 1, by rule; not a probability.
    """

    kind: DifferenceKind
    subject: tuple[str, ...]
    a: str
    b: str
    confidence: float


def contradiction(a: str, b: str, similarity: float | None) -> Contradiction | None:
    """Say in what two texts contradict each other, if they do.

    Args:
        a: a text.
        b: another one of the same codebase.
        similarity: cosine of the two, -1 to 1; None when it is not known, and the words decide.

    Returns:
        None when they do not, or when it cannot be told.
    """
    if similarity is not None and not similarity >= LEAST_SIMILARITY:  # NaN is no similarity
        return None
    a_facts, b_facts = read_both(a, b)
    replaced = [found for found in differences_of(a_facts, b_facts) if found.is_replacement]
    if not _are_of_one_kind(replaced):
        return None
    kind = replaced[0].kind
    a_side = _side(kind, a_facts, [found.a for found in replaced])
    b_side = _side(kind, b_facts, [found.b for found in replaced])
    shared = a_side.about.keys() & b_side.about.keys()
    if not shared or _is_of_another(kind, a_side, b_side):
        return None
    confidence = _confidence(kind, replaced, a_side, b_side)
    if confidence < LEAST_CONFIDENCE:
        return None
    return Contradiction(
        kind=kind,
        subject=tuple(shown for word, shown in a_side.about.items() if word in shared),
        a=", ".join(found.a for found in replaced),
        b=", ".join(found.b for found in replaced),
        confidence=confidence,
    )


def _are_of_one_kind(replaced: Sequence[Difference]) -> bool:
    if not 0 < len(replaced) <= DIFFERENCES_MAX or len({found.kind for found in replaced}) > 1:
        return False
    # Who dislikes what is long likes what is short.
    return replaced[0].kind is not DifferenceKind.ANTONYM or len(replaced) == 1


@dataclass(frozen=True, kw_only=True, slots=True)
class _Side:
    """One of the two texts.

    Attributes:
        facts: all of it.
        sentences: those that hold what differs.
        values: where that stands; empty for a negation, which is about the words behind it.
        content: stems of the words and values of the text, without those that differ.
        about: those of the sentences, and how they were written.
        verb: where the first verb of the sentences stands; 0 when none is known.
    """

    facts: Sequence[Fact]
    sentences: frozenset[int]
    values: Sequence[int]
    content: frozenset[str]
    about: Mapping[str, str]
    verb: int

    def said(self) -> list[Fact]:
        """Return the sentences that hold what differs."""
        return [fact for fact in self.facts if fact.sentence in self.sentences]

    def added(self, other: _Side) -> list[int]:
        """Return where words stand that the other text does not have."""
        return [
            index
            for index, fact in enumerate(self.facts)
            if index not in self.values and _is_content(fact) and _key(fact) not in other.content
        ]


def _side(kind: DifferenceKind, facts: Sequence[Fact], differing: Sequence[str]) -> _Side:
    is_denied = kind is DifferenceKind.NEGATION
    values = [i for i, fact in enumerate(facts) if fact.shown in differing and not is_denied]
    sentences = {facts[index].sentence for index in values}
    if is_denied:
        sentences = _sentences_with(facts, differing)
    content = [
        fact for index, fact in enumerate(facts) if index not in values and _is_content(fact)
    ]
    verbs = (
        index
        for index in range(1, len(facts))
        if facts[index].sentence in sentences
        and facts[index - 1].sentence == facts[index].sentence
        and facts[index].kind is None
        and english.stem(facts[index].value) in VERBS
    )
    return _Side(
        facts=facts,
        sentences=frozenset(sentences),
        values=values,
        content=frozenset(map(_key, content)),
        about={_key(fact): fact.shown for fact in content if fact.sentence in sentences},
        verb=next(verbs, 0),
    )


def _sentences_with(facts: Sequence[Fact], shown: Sequence[str]) -> set[int]:
    """Return the sentences that hold some words one behind the other."""
    sentences: dict[int, list[str]] = {}
    for fact in facts:
        sentences.setdefault(fact.sentence, []).append(fact.shown)
    return {
        number
        for number, words in sentences.items()
        if any(f" {wanted} " in f" {' '.join(words)} " for wanted in shown)
    }


def _is_of_another(kind: DifferenceKind, a: _Side, b: _Side) -> bool:
    """Say whether the values belong to two subjects, or can both be true of one."""
    if kind is DifferenceKind.DATE and any(fact.value in EVENTS for fact in (*a.said(), *b.said())):
        return True
    if kind is not DifferenceKind.NEGATION and _denials(a) != _denials(b):
        return True  # what is not 5433 may be 5432
    names_many = kind in {DifferenceKind.NAME, DifferenceKind.IDENTIFIER}
    words = a.about.keys() | b.about.keys()
    if names_many and (
        not HELD_BY_MANY.isdisjoint(words) or _is_one_of_some(a) or _is_one_of_some(b)
    ):
        return True
    if not _is_in_subject(kind, a) or not _is_in_subject(kind, b):
        return False
    return not _is_held_by_one(kind, a) or not _is_held_by_one(kind, b)


def _denials(side: _Side) -> int:
    return sum(fact.kind is DifferenceKind.NEGATION for fact in side.said())


def _is_in_subject(kind: DifferenceKind, side: _Side) -> bool:
    """Say whether a value stands before the verb and so says what the text is about."""
    if not side.values or side.values[0] >= side.verb:
        return False
    first = side.values[0]
    if kind is DifferenceKind.NUMBER:  # a label, as in `room 12`
        return first > 0 and _is_content(side.facts[first - 1])
    return True


def _is_held_by_one(kind: DifferenceKind, side: _Side) -> bool:
    if kind is not DifferenceKind.NAME:
        return False
    verb, *behind = (fact.value for fact in side.facts[side.verb : side.verb + 2])
    return english.stem(verb) in HELD_BY_ONE or (verb in {"is", "was"} and behind == ["the"])


def _is_one_of_some(side: _Side) -> bool:
    """Say whether a text says `has an` or `is a`, of which there may be several."""
    values = [fact.value for fact in side.facts[side.verb : side.verb + 2]]
    return values[0] in {"has", "have", "is", "was"} and values[1:] in (["a"], ["an"], ["one"])


def _confidence(kind: DifferenceKind, replaced: Sequence[Difference], a: _Side, b: _Side) -> float:
    confidence = CONFIDENCE[kind]
    if len(replaced) > 1:
        confidence *= SEVERAL_DIFFERENCES
    a_added, b_added = a.added(b), b.added(a)
    if a_added and b_added:  # one word stands for another: another subject, if it is no verb
        is_other_verb = a_added == [a.verb] and b_added == [b.verb]
        return confidence * OTHER_VERB if is_other_verb else 0.0
    for side, added in ((a, a_added), (b, b_added)):
        for index in added:
            if side.facts[index].sentence not in side.sentences:
                continue  # what else a text says takes nothing away
            if index < side.verb:  # it says more closely what the sentence is about
                return 0.0
            confidence *= ADDED_CONDITION if _is_condition(side, index) else ADDED_WORD
    return confidence


def _is_condition(side: _Side, index: int) -> bool:
    return any(fact.value in CONDITIONS for fact in side.facts[max(index - 2, 0) : index])


def _is_content(fact: Fact) -> bool:
    if fact.kind is not None:
        return fact.kind is not DifferenceKind.NEGATION
    return fact.value not in english.FUNCTION_WORDS and fact.value not in GENERIC


def _key(fact: Fact) -> str:
    if fact.kind not in {None, DifferenceKind.NAME}:  # the first word of a sentence may be no name
        return fact.value
    return english.stem(IRREGULAR.get(fact.value, fact.value))
