"""The store of LangGraph: `graph.compile(store=VestigeStore(memory))`."""

from vestige.errors import ConfigError

try:
    from vestige.integrations.langgraph.store import VestigeStore
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] not in {"langgraph", "langchain_core"}:
        raise
    raise ConfigError(
        "the store of LangGraph needs langgraph, which is not installed",
        'Run `pip install "vestige[langgraph]"`.',
    ) from error

__all__ = ["VestigeStore"]
