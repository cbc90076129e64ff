"""The command line: `python -m salgan_tf COMMAND`, or `salgan-tf COMMAND`."""

import os
import sys

from salgan_tf import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

# TensorFlow reads it on import: only errors are shown. Its converters warn about what is none of a user's business.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def _parse(argv: list[str]) -> "argparse.Namespace":
    import argparse
    import importlib

    from salgan_tf import __version__
    from salgan_tf.commands import COMMANDS

    parser = argparse.ArgumentParser(
        "salgan-tf", description="Predict where people will look in photographs; train, evaluate and export the models."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    for name, help in COMMANDS.items():
        command = commands.add_parser(name, help=help, description=help)
        # Only the command that is used is imported: predicting a photograph does not wait for Keras.
        if argv[:1] == [name]:
            module = importlib.import_module(f"salgan_tf.commands.{name.replace('-', '_')}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit code: 0, 1 for bad input, 2 for bad usage, 130 after Ctrl-C."""
    try:
        # Here, and not above, for a Ctrl-C that comes meanwhile.
        from salgan_tf.console import run_command
    except KeyboardInterrupt:
        return 130
    return run_command(lambda: _parse(sys.argv[1:] if argv is None else argv))


if __name__ == "__main__":
    sys.exit(main())
