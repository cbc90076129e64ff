"""Errors of the user's input: one line that names the file and the cause."""

import sys
from pathlib import Path


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
        super().__init__(f"{self.subject}: {self.cause}")


class InputErrors(InputError):
    """Several inputs of a batch are wrong: one line for each.

    Args:
        subject: the folder or file that they belong to.
        errors: the errors, at least one.
        total: number of inputs in the batch.
    """

    def __init__(self, subject: str | Path, errors: list[InputError], total: int):
        super().__init__(subject, f"{len(errors)} of {total} cannot be used")
        self.errors = errors

    def __str__(self) -> str:
        return "\n".join([*map(str, self.errors), super().__str__()])


def report(error: InputError) -> None:
    """Print an error on stderr, a line for each input."""
    for line in str(error).splitlines():
        print(f"salgan_tf: {line}", file=sys.stderr)
