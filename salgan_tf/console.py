"""What every program does around its work: open streams, one line per error, an exit code."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from salgan_tf.errors import InputError, report


def run_command(parse: Callable[[], argparse.Namespace]) -> int:
    """Parse arguments, call their `run`, and return the exit code: its own, 1 for bad input, 130 after Ctrl-C."""
    arguments = argparse.Namespace()
    try:
        _open_streams()
        arguments = parse()
        return arguments.run(arguments)
    except InputError as error:
        report(error)
        return 1
    except KeyboardInterrupt:
        hint = "; --resume continues after the last whole epoch" if "resume" in arguments else ""
        print(f"salgan_tf: interrupted{hint}", file=sys.stderr)
        return 130


def say(text: str) -> None:
    """Print on stdout.

    Raises:
        InputError: stdout cannot be written, as on a full disk. A pipe whose reader has ended (`… | head`) is no error.
    """
    try:
        print(text, flush=True)
    except OSError as error:
        # What is left in the buffer goes nowhere, or Python would fail again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise InputError("stdout", f"cannot be written: {error.strerror}") from error


def _open_streams() -> None:
    """Make stdout and stderr usable if the caller closed them, or chose an encoding that lacks a file's name."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest free descriptor is this one: no file that is opened later receives what native code prints.
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
