"""`vestige fsrs`: the weights by which memories fade, and fitting them to the reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vestige.cli.options import ConfigOption, DataDirOption, JsonOption, example
from vestige.cli.output import print_json, print_line, print_pairs, print_table
from vestige.cli.progress import advancing
from vestige.cli.rendering import moment
from vestige.cli.session import configured, need_store, with_engine, with_store

if TYPE_CHECKING:
    from vestige.engine.fitting import FitResult

commands = typer.Typer(help="Show, fit or reset the weights of FSRS-6, by which memories fade.")


@commands.callback()
def fsrs_group(*, config_file: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Show, fit or reset the weights of FSRS-6, by which memories fade."""
    # The options that stand here are taken up by the command: see options.py.
    del config_file, data_dir


@commands.command(epilog=example("vestige fsrs show"))
def show(
    *,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the weights that are in use, and where they come from."""
    config = configured(config_file, data_dir)
    need_store(config)
    stored = with_store(config, lambda store: store.get_fsrs_weights())

    from vestige.engine.fitting_views import named_weights, weights_view
    from vestige.engine.weights import named

    if as_json:
        print_json(weights_view(stored))
        return
    if stored is None:
        print_line("the default weights of FSRS-6")
    else:
        losses = f"{stored.log_loss_before:.4f} before, {stored.log_loss_after:.4f} after"
        pairs = [
            ("fitted", moment(stored.fitted_at)),
            ("reviews", f"{stored.review_count:,}"),
            ("log loss", losses),
        ]
        print_pairs(pairs)
    default = named_weights(named(None))
    rows = [
        (f"w{index}", name, f"{value:g}", f"{default[name]:g}")
        for index, (name, value) in enumerate(named_weights(named(stored)).items())
    ]
    print_table(("weight", "name", "value", "default"), rows)


@commands.command(epilog=example("vestige fsrs fit", "vestige fsrs fit --apply"))
def fit(
    *,
    apply: Annotated[
        bool, typer.Option("--apply", help="Use the fitted weights if they are better.")
    ] = False,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit the weights to the reviews of this store, and say how much better they predict.

    Nothing is written without --apply. It needs the extra: pip install 'vestige[fsrs]'.
    """
    config = configured(config_file, data_dir)
    need_store(config)
    with advancing("fitting") as advance:
        result = with_engine(
            config, lambda engine: engine.fit_fsrs_weights(apply=apply, advance=advance)
        )
    if as_json:
        from vestige.engine.fitting_views import fit_view

        print_json(fit_view(result))
    else:
        _print(result, apply=apply)


@commands.command(epilog=example("vestige fsrs reset"))
def reset(
    *,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go back to the default weights; reviews stay, so that a fit brings the others back."""
    config = configured(config_file, data_dir)
    need_store(config)
    with advancing("refreshing memories") as advance:
        refreshed = with_engine(config, lambda engine: engine.reset_fsrs_weights(advance=advance))
    if as_json:
        print_json({"refreshed": refreshed})
        return
    print_line(("reset", "green"), " to the default weights of FSRS-6")
    print_line(f"{refreshed:,} memories were refreshed")


def _print(result: FitResult, *, apply: bool) -> None:
    if result.is_applied:
        print_line(("applied", "green"))
    else:
        print_line(("fitted", "bold"), ": nothing was written")
    print_pairs(_pairs(result))
    if not result.is_better:
        print_line("the weights in use predict as well or better, and stay")
    elif not apply:
        print_line("`vestige fsrs fit --apply` uses them")


def _pairs(result: FitResult) -> list[tuple[str, str]]:
    from vestige.engine.fitting_views import named_weights

    before, after = result.before, result.after
    held_out = f"on the latest {result.held_out_count:,}"
    pairs = [
        ("reviews", f"{result.review_count:,} of {result.memory_count:,} memories"),
        ("learned from", f"{result.sample_count:,}"),
        ("log loss", f"{before.log_loss:.4f} before, {after.log_loss:.4f} after, {held_out}"),
        ("rmse", f"{before.rmse:.4f} before, {after.rmse:.4f} after"),
        ("weights", " ".join(f"{value:g}" for value in named_weights(result.weights).values())),
    ]
    if result.left_out_count:
        pairs.insert(2, ("left out", f"{result.left_out_count:,} memories of unknown beginning"))
    if result.is_applied:
        pairs.append(("refreshed", f"{result.refreshed:,} memories"))
    return pairs
