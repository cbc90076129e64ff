"""Types of arguments that the command lines share."""

import argparse
import math
import re
from pathlib import Path

from salgan_tf.models.shapes import LARGEST_SIDE
from salgan_tf.stores import is_uri


def size(text: str) -> tuple[int, int]:
    """Read HEIGHTxWIDTH."""
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if not match or not int(match[1]) or not int(match[2]):
        raise argparse.ArgumentTypeError(f"invalid size {text!r}: expected HEIGHTxWIDTH, such as 192x256")
    height, width = int(match[1]), int(match[2])
    if max(height, width) > LARGEST_SIDE:
        raise argparse.ArgumentTypeError(f"invalid size {text!r} is too large: expected sides up to {LARGEST_SIDE}")
    return height, width


def size_across(text: str) -> tuple[int, int]:
    """Read WIDTHxHEIGHT, as sizes of thumbnails are given, as (height, width)."""
    try:
        width, height = size(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(str(error).replace("HEIGHTxWIDTH", "WIDTHxHEIGHT")) from error
    return height, width


def aspect(text: str) -> float:
    """Read WIDTH:HEIGHT, such as 16:9 or 1.91:1, as width divided by height."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?):(\d{1,9}(?:\.\d{1,9})?)", text)
    if not match or not float(match[1]) or not float(match[2]):
        raise argparse.ArgumentTypeError(f"invalid aspect {text!r}: expected WIDTH:HEIGHT, such as 16:9")
    return float(match[1]) / float(match[2])


def path_or_name(text: str) -> str:
    """Read a path or the name of a model, but no empty text, as of a variable that is not set.

    `Path` takes that for the current folder. The text stays as it is: ./edge is a folder, and edge the bundled model.
    """
    if not text:
        raise argparse.ArgumentTypeError("an empty path")
    return text


def path(text: str) -> Path:
    """Read a path as `path_or_name` does."""
    return Path(path_or_name(text))


def path_or_uri(text: str) -> str | Path:
    """Read a path as `path_or_name` does, or a URI, such as `s3://bucket/photos`, which stays a text."""
    return text if is_uri(text) else path(text)


def positive(text: str) -> int:
    """Read a whole number above 0."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def natural(text: str) -> int:
    """Read a whole number of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def seed(text: str) -> int:
    """Read a seed, a whole number below 2^31."""
    if natural(text) >= 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number below 2147483648")
    return int(text)


def rate(text: str) -> float:
    """Read a number of at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 0")
    return value


def share(text: str) -> float:
    """Read a number above 0 and up to 1."""
    if not 0 < rate(text) <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0 and up to 1")
    return float(text)


def decay(text: str) -> float:
    """Read a number of at least 0 and below 1."""
    if rate(text) >= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 0 and below 1")
    return float(text)
