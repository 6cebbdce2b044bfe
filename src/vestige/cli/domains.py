"""`vestige domains list` and `vestige domains show`: the domains that memories belong to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Final

import typer

from vestige.cli.options import ConfigOption, DataDirOption, JsonOption, example
from vestige.cli.output import note, print_json, print_pairs, print_table, shortened
from vestige.cli.rendering import NOTHING, moment
from vestige.cli.session import configured, with_store

if TYPE_CHECKING:
    from vestige.models import Domain

TERMS_CHARACTERS: Final = 60  # of the top terms, in the table

commands = typer.Typer(help="Look at the domains that memories belong to.")


@commands.callback()
def domains_group(*, config_file: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Look at the domains that memories belong to."""
    # The options that stand here are taken up by the command: see options.py.
    del config_file, data_dir


@commands.command("list", epilog=example("vestige domains list"))
def list_domains(
    *,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the domains."""
    from vestige.engine.views import domain_view

    # Without an embedder: domains can be looked at whatever model is configured.
    found = with_store(configured(config_file, data_dir), lambda store: store.list_domains())
    if not found:
        note("there are no domains")
    if as_json:
        print_json({"domains": [domain_view(domain) for domain in found]})
    elif found:
        rows = [
            (
                domain.id,
                domain.label,
                str(domain.memory_count),
                shortened(_terms(domain), TERMS_CHARACTERS),
            )
            for domain in found
        ]
        print_table(("id", "label", "memories", "top terms"), rows)


@commands.command(epilog=example("vestige domains show retries"))
def show(
    domain_id: Annotated[
        str, typer.Argument(metavar="ID", help="The id of a domain, as the list prints it.")
    ],
    *,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a domain."""
    from vestige.engine.domains import domain
    from vestige.engine.views import domain_view

    config = configured(config_file, data_dir)
    found = with_store(config, lambda store: domain(store, domain_id))
    if as_json:
        print_json(domain_view(found))
    else:
        _print_domain(found)


def _print_domain(domain: Domain) -> None:
    pairs = [
        ("id", domain.id),
        ("label", domain.label),
        ("memories", str(domain.memory_count)),
        ("top terms", _terms(domain)),
        ("created", moment(domain.created_at)),
        ("centroid", NOTHING if domain.centroid is None else f"{len(domain.centroid)} dimensions"),
    ]
    if domain.metadata:
        pairs.append(("metadata", json.dumps(domain.metadata, ensure_ascii=False)))
    print_pairs(pairs)


def _terms(domain: Domain) -> str:
    return ", ".join(domain.top_terms) or NOTHING
