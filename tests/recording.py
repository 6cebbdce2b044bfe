"""An observer for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vestige.telemetry import Observation


class Recorder:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.ended: list[Observation] = []
        self.slow_operations: list[str] = []

    def begin(self, observation: Observation) -> str:
        return observation.name

    def end(self, observation: Observation, begun: object) -> None:
        assert begun == observation.name
        self.ended.append(observation)

    def slow(self, operation: str, store: str) -> None:
        assert store
        self.slow_operations.append(operation)

    def of(self, kind: str) -> list[Observation]:
        return [observation for observation in self.ended if observation.kind == kind]
