"""Errors of the user's input: one line that names the file and the cause."""

import contextlib
import os
import sys
import unicodedata
from pathlib import Path
from typing import TextIO

# Characters of a library's message that are shown.
_LONGEST = 200


class InputError(Exception):
    """Something outside the program is wrong: a file, a folder, a setting.

    The commands print it as one line without a traceback.

    Args:
        subject: the file, folder or option that is wrong.
        cause: what is wrong with it, in words that help to fix it.
    """

    def __init__(self, subject: str | Path, cause: str | BaseException):
        if isinstance(cause, OSError) and cause.strerror:
            cause = cause.strerror
        self.subject = str(subject)
        self.cause = " ".join(str(cause).split()) or type(cause).__name__
        super().__init__(f"{_escape(self.subject)}: {_escape(self.cause)}")

    def __reduce__(self):
        # Engines send errors from one process to another, and an exception would be made anew from its message.
        return type(self), (self.subject, self.cause)


class InputErrors(InputError):
    """Several inputs of a batch are wrong: one line for each.

    Args:
        subject: the folder or file that they belong to.
        errors: the errors, at least one.
        total: number of inputs in the batch.
    """

    def __init__(self, subject: str | Path, errors: list[InputError], total: int):
        super().__init__(subject, f"{len(errors)} of {total} cannot be used")
        self.errors, self.total = errors, total

    def __reduce__(self):
        return type(self), (self.subject, self.errors, self.total)

    def __str__(self) -> str:
        return "\n".join([*map(str, self.errors), super().__str__()])


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, which libraries make long, or its class if it has none.

    A line that ends in a colon goes on in the next one; what is longer than 200 characters is cut.
    """
    lines = [" ".join(line.split()) for line in str(error).splitlines() if line.strip()]
    line, *others = lines or [type(error).__name__]
    while line.endswith(":") and others:
        line = f"{line} {others.pop(0)}"
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1].rstrip()}…"


def _escape(text: str) -> str:
    """Escape what would break the line or command a terminal, as in the names of hostile files."""
    harmless = (letter.isprintable() or unicodedata.category(letter) == "Zs" for letter in text)
    return "".join(letter if good else repr(letter)[1:-1] for letter, good in zip(text, harmless, strict=True))


def report(error: InputError) -> None:
    """Print an error on stderr, a line for each input."""
    write(sys.stderr, "".join(f"salgan_tf: {line}\n" for line in str(error).splitlines()))


def write(stream: TextIO, text: str) -> OSError | None:
    """Write to a stream at once, and return the error if that fails. Later text then goes nowhere."""
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        # What is left in the buffer goes nowhere, or Python would fail again when it flushes at exit.
        with contextlib.suppress(OSError):  # A notebook's streams have no descriptor.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return error
    return None
