"""`trunkline completion`: the script that a shell loads."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    r"""Print the completion script of a shell.

    \b
    bash:  eval "$(trunkline completion bash)"       in ~/.bashrc
    zsh:   eval "$(trunkline completion zsh)"        in ~/.zshrc
    fish:  trunkline completion fish > ~/.config/fish/completions/trunkline.fish
    """
    from click.shell_completion import get_completion_class

    from trunkline.cli.main import trunkline

    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"No completion for {shell}.")
    click.echo(made(trunkline, {}, "trunkline", "_TRUNKLINE_COMPLETE").source())
