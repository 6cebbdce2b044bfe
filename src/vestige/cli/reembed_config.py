"""What `vestige.toml` has to name once the model of a store is another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestige.cli.output import note

if TYPE_CHECKING:
    from vestige.config import Config
    from vestige.config.editing import Edit
    from vestige.transfer.model_choice import ModelChoice


def edit_for(config: Config, choice: ModelChoice) -> Edit | None:
    """Return the change of the configuration that names the model, None when it does already."""
    from vestige.config.editing import edit_embeddings
    from vestige.config.sources import CONFIG_FILE_NAME

    if choice.is_configured(config.embeddings):
        return None
    path = config.config_file or config.data_dir / CONFIG_FILE_NAME
    return edit_embeddings(path, choice.values(config.embeddings))


def configure(config: Config, choice: ModelChoice, edit: Edit | None) -> None:
    """Write what the configuration has to name from now on, or say it."""
    from vestige.config import VARIABLES
    from vestige.config.editing import embeddings_lines

    if choice.is_configured(config.embeddings):
        return
    if edit is None:
        note("so that the next start knows the model, vestige.toml has to say:")
        for line in ("[embeddings]", *embeddings_lines(choice.values(config.embeddings))):
            note(f"  {line}")
    else:
        backup = edit.write()
        note(f"{edit.path} names the model now{f'; {backup} is as it was' if backup else ''}")
    for variable, key in VARIABLES.items():
        source = config.sources[key]
        if key.startswith("embeddings.") and source.startswith("environment"):
            note(f"the variable {variable} is stronger than vestige.toml: change it, too")
