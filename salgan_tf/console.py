"""What every program does around its work: open streams, one line per error, an exit code."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from salgan_tf.errors import InputError, report, write


def run_command(parse: Callable[[], argparse.Namespace]) -> int:
    """Parse arguments, call their `run`, and return the exit code: its own, 1 for bad input, 130 after Ctrl-C."""
    arguments = argparse.Namespace()
    try:
        _open_streams()
        arguments = parse()
        return arguments.run(arguments)
    except InputError as error:
        report(error)
    except MemoryError:
        report(InputError("memory", "there is not enough"))
    except SystemExit:
        # Of argparse, whose help may still be in the buffer.
        try:
            say("", end="")
        except InputError as error:
            report(error)
            return 1
        raise
    except (Exception, KeyboardInterrupt) as error:
        if _is_interrupt(error):
            hint = _describe_continuation(arguments)
            write(sys.stderr, f"salgan_tf: interrupted{hint}\n")
            return 130
        # The last guard, as for a folder of a data set that may not be entered. Any other error is a bug.
        if not isinstance(error, OSError):
            raise
        report(InputError(error.filename or "the operating system", error))
    return 1


def _describe_continuation(arguments: argparse.Namespace) -> str:
    if getattr(arguments, "recipe", None):
        return "; repeat the command to continue after the last whole epoch"
    if getattr(arguments, "engine", None):
        return "; repeat the command to do the rest"
    if getattr(arguments, "strategy", None) == "multi-worker":
        return "; repeat the command on every machine to continue after the last whole epoch"
    return "; --resume continues after the last whole epoch" if "resume" in arguments else ""


def _is_interrupt(error: BaseException | None) -> bool:
    """Return whether Ctrl-C caused an error: libraries turn one that comes while they are imported into their own."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def say(text: str, end: str = "\n") -> None:
    """Print on stdout.

    Raises:
        InputError: stdout cannot be written, as on a full disk. A pipe whose reader has ended (`… | head`) is no error.
    """
    error = write(sys.stdout, text + end)
    if error and not isinstance(error, BrokenPipeError):
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
    if sys.stderr is sys.__stderr__ and sys.stderr:
        # Of its own: `native.quiet_stderr` redirects descriptor 2, also while another thread reports an error.
        # It is open until the end, when Python would warn of a file that nobody closed.
        sys.stderr = os.fdopen(os.dup(2), "w", 1, sys.stderr.encoding, "backslashreplace", closefd=False)
