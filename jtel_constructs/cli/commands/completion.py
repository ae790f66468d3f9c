"""`jtel completion`: what a shell needs to complete the command."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

HELP = "completion for bash, zsh or fish"
DESCRIPTION = """\
Print a script that teaches a shell to complete jtel: commands, options,
environments. Put the line of the examples into your shell's start file."""
EXAMPLES = (
    'eval "$(jtel completion bash)"',
    'eval "$(jtel completion zsh)"',
    "jtel completion fish | source",
)


def arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell")


def run(options: Namespace) -> int:
    """Run the command; the exit code."""
    from argcomplete.shell_integration import shellcode

    print(shellcode(["jtel"], shell=options.shell), end="")
    return 0
