"""Graphs of LangGraph whose store is a memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypedDict, cast

from langgraph.graph import END, START, StateGraph

if TYPE_CHECKING:
    from langgraph.store.base import BaseStore

    from vestige import SyncEngine
    from vestige.integrations.langgraph import VestigeStore

NOTES = ("notes", "ada")


class State(TypedDict):
    """What the nodes of a graph hand on."""

    said: str
    answers: list[str]


class Graph(Protocol):
    """What is used of a compiled graph, whose own types are incomplete."""

    def invoke(self, state: State, /) -> State: ...

    async def ainvoke(self, state: State, /) -> State: ...


class Builder(Protocol):
    """What is used of a `StateGraph`."""

    def add_node(self, name: str, node: object, /) -> object: ...

    def add_edge(self, start: str, end: str, /) -> object: ...

    def compile(self, *, store: BaseStore) -> Graph: ...


def listen(state: State, *, store: BaseStore) -> State:
    store.put(NOTES, state["said"][:10], {"text": state["said"]})
    return state


def answer(state: State, *, store: BaseStore) -> State:
    found = store.search(("notes",), query=state["said"], limit=2)
    return {"said": state["said"], "answers": [str(item.value["text"]) for item in found]}


async def listen_async(state: State, *, store: BaseStore) -> State:
    await store.aput(NOTES, state["said"][:10], {"text": state["said"]})
    return state


async def answer_async(state: State, *, store: BaseStore) -> State:
    found = await store.asearch(("notes",), query=state["said"], limit=2)
    return {"said": state["said"], "answers": [str(item.value["text"]) for item in found]}


def compiled(listener: object, answerer: object, store: BaseStore) -> Graph:
    builder = cast("Builder", StateGraph(State))
    builder.add_node("listen", listener)
    builder.add_node("answer", answerer)
    builder.add_edge(START, "listen")
    builder.add_edge("listen", "answer")
    builder.add_edge("answer", END)
    return builder.compile(store=store)


def test_a_graph_puts_and_finds(graph_store: VestigeStore, memory: SyncEngine) -> None:
    graph = compiled(listen, answer, graph_store)
    graph.invoke({"said": "Olives grow in the south", "answers": []})
    result = graph.invoke({"said": "where do olives grow?", "answers": []})
    assert set(result["answers"]) == {"Olives grow in the south", "where do olives grow?"}
    assert memory.recall("olives")[0].record.tags[0] == "langgraph"


async def test_an_async_graph_puts_and_finds_in_its_own_loop(graph_store: VestigeStore) -> None:
    graph = compiled(listen_async, answer_async, graph_store)
    await graph.ainvoke({"said": "Olives grow in the south", "answers": []})
    result = await graph.ainvoke({"said": "where do olives grow?", "answers": []})
    assert set(result["answers"]) == {"Olives grow in the south", "where do olives grow?"}


async def test_a_graph_that_is_not_async_works_within_an_event_loop(
    graph_store: VestigeStore,
) -> None:
    graph = compiled(listen, answer, graph_store)
    result = graph.invoke({"said": "Olives grow in the south", "answers": []})
    assert result["answers"] == ["Olives grow in the south"]
