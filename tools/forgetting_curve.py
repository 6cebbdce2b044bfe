"""Draw docs/drawings/forgetting-curve.svg with the curve of `vestige.cognition.fsrs`.

python tools/forgetting_curve.py            prints the drawing
python tools/forgetting_curve.py --write    writes it

One line is a memory that nobody reviews, the other one that is rated good on each day it is due.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vestige.cognition import fsrs
from vestige.cognition.accessibility import ACTIVE_RETRIEVABILITY, DORMANT_RETRIEVABILITY
from vestige.models import LOCAL_USER_ID, Rating

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vestige.models import SchedulingState

ROOT: Final = Path(__file__).resolve().parent.parent
DRAWING: Final = ROOT / "docs" / "drawings" / "forgetting-curve.svg"
DAYS: Final = 60
STEPS_A_DAY: Final = 4
LOWEST: Final = 0.5  # the retrievability at the bottom of the drawing
CREATED_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)  # any day will do

LEFT, TOP, RIGHT, BOTTOM = 64, 56, 700, 316
TEMPLATE: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 840 392" width="840" height="392" role="img" \
aria-labelledby="title desc" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif" \
font-size="14">
  <title id="title">How a memory fades</title>
  <desc id="desc">The probability of recall over {days} days: of a memory that nobody reviews it \
falls to {last:.0%}; of one that is rated good whenever it is due it comes back to 100 % each time \
and falls more slowly.</desc>
  <!-- Written by tools/forgetting_curve.py from src/vestige/cognition/fsrs.py -->
  <style>
    .paper {{ fill: #fbfaf7 }} .ink {{ fill: #1f2328 }} .soft {{ fill: #57606a }}
    .axis {{ stroke: #57606a; fill: none }} .grid {{ stroke: #d0d7de }}
    .left {{ stroke: #a1260d; fill: none; stroke-width: 2.5; stroke-dasharray: 7 4 }}
    .kept {{ stroke: #0a5cad; fill: none; stroke-width: 2.5 }}
    .due {{ fill: #0a5cad }} .left-text {{ fill: #a1260d }} .kept-text {{ fill: #0a5cad }}
    @media (prefers-color-scheme: dark) {{
      .paper {{ fill: #1c2128 }} .ink {{ fill: #e6edf3 }} .soft {{ fill: #adbac7 }}
      .axis {{ stroke: #adbac7 }} .grid {{ stroke: #444c56 }}
      .left {{ stroke: #ffa28b }} .kept {{ stroke: #79c0ff }}
      .due {{ fill: #79c0ff }} .left-text {{ fill: #ffa28b }} .kept-text {{ fill: #79c0ff }}
    }}
  </style>
  <rect class="paper" width="840" height="392" rx="8"/>
  <text class="ink" x="24" y="32" font-size="16">How a memory fades: the probability that it is \
recalled</text>
{grid}
  <path class="axis" d="M{left} {top}V{bottom}H{right}"/>
{days_axis}
  <text class="soft" x="{right}" y="{below}" text-anchor="end">days since it was made</text>
  <polyline class="left" points="{unreviewed}"/>
  <polyline class="kept" points="{reviewed}"/>
{reviews}
  <text class="left-text" x="708" y="{end_of_unreviewed}">nobody reviews it</text>
  <text class="kept-text" x="708" y="{end_of_reviewed}">rated good</text>
  <text class="kept-text" x="708" y="{below_end_of_reviewed}">when it is due</text>
</svg>
"""


def drawing() -> str:
    """Return the drawing as SVG."""
    fresh = fsrs.initial_state(LOCAL_USER_ID, CREATED_AT)
    unreviewed = list(_curve(fresh, 0, DAYS))
    states = list(_states_of_a_reviewed_memory())
    ends = [day for day, _ in states[1:]] + [DAYS]
    reviewed = [
        point
        for (day, state), end in zip(states, ends, strict=True)
        for point in _curve(state, day, end)
    ]
    return TEMPLATE.format(
        days=DAYS,
        last=unreviewed[-1][1],
        grid="\n".join(_grid()),
        days_axis="\n".join(_days_axis()),
        left=LEFT,
        top=TOP,
        right=RIGHT,
        bottom=BOTTOM,
        below=BOTTOM + 50,
        unreviewed=_points(unreviewed),
        reviewed=_points(reviewed),
        reviews="\n".join(_reviews(states[1:])),
        end_of_unreviewed=f"{_y(unreviewed[-1][1]) + 5:.1f}",
        end_of_reviewed=f"{_y(reviewed[-1][1]) - 3:.1f}",
        below_end_of_reviewed=f"{_y(reviewed[-1][1]) + 15:.1f}",
    )


def _states_of_a_reviewed_memory() -> Iterator[tuple[float, SchedulingState]]:
    """Yield the day of each review before the end, and the state after it."""
    state = fsrs.initial_state(LOCAL_USER_ID, CREATED_AT)
    day = 0.0
    while day < DAYS and state.next_review is not None:
        yield day, state
        day = (state.next_review - CREATED_AT) / fsrs.ONE_DAY
        state = fsrs.review(state, Rating.GOOD, state.next_review)


def _curve(state: SchedulingState, start: float, end: float) -> Iterator[tuple[float, float]]:
    """Yield days with the retrievability on them."""
    for step in range(round((end - start) * STEPS_A_DAY) + 1):
        day = start + step / STEPS_A_DAY
        now = CREATED_AT + timedelta(days=day)
        yield day, fsrs.current_retrievability(state, now)


def _grid() -> Iterator[str]:
    names = {
        fsrs.DESIRED_RETENTION: "due below this",
        ACTIVE_RETRIEVABILITY: "active above",
        DORMANT_RETRIEVABILITY: "dormant above, then silent",
    }
    for share in sorted({1.0, 0.8, 0.7, 0.6, *names}, reverse=True):
        y = _y(share)
        yield f'  <path class="grid" d="M{LEFT} {y:.1f}H{RIGHT}"/>'
        if share != ACTIVE_RETRIEVABILITY:
            label = f'text-anchor="end">{share:.0%}</text>'
            yield f'  <text class="soft" x="{LEFT - 8}" y="{y + 5:.1f}" {label}'
        if share in names:
            yield f'  <text class="soft" x="{RIGHT - 6}" y="{y - 5:.1f}" {_small(names[share])}'


def _small(text: str) -> str:
    return f'font-size="12" text-anchor="end">{text}</text>'


def _days_axis() -> Iterator[str]:
    for day in range(0, DAYS + 1, 10):
        label = f'text-anchor="middle">{day}</text>'
        yield f'  <text class="soft" x="{_x(day):.1f}" y="{BOTTOM + 24}" {label}'


def _reviews(states: list[tuple[float, SchedulingState]]) -> Iterator[str]:
    for day, _ in states:
        yield f'  <circle class="due" cx="{_x(day):.1f}" cy="{_y(1):.1f}" r="4"/>'


def _points(curve: list[tuple[float, float]]) -> str:
    return " ".join(f"{_x(day):.1f},{_y(share):.1f}" for day, share in curve)


def _x(day: float) -> float:
    return LEFT + (RIGHT - LEFT) * day / DAYS


def _y(share: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * (share - LOWEST) / (1 - LOWEST)


def main() -> None:
    """Print the drawing or write it."""
    parser = argparse.ArgumentParser(description="Draw how a memory fades.")
    parser.add_argument("--write", action="store_true", help=f"write {DRAWING.relative_to(ROOT)}")
    if parser.parse_args().write:
        DRAWING.write_text(drawing(), encoding="utf-8")
    else:
        print(drawing(), end="")


if __name__ == "__main__":
    main()
