"""The run folder of a training on several machines: the chief's own, and a copy for every other worker."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from salgan_tf.errors import InputError
from salgan_tf.files import is_file, made_folder, read_json
from salgan_tf.limits import read_bytes
from salgan_tf.run_folder import locked
from salgan_tf.strategies import is_chief, share, worker_of

_RECORDS = ("run.json", "checkpoints/last.json")


@contextlib.contextmanager
def opened(out: Path, strategy: tf.distribute.Strategy) -> Iterator[Path]:
    """Yield the folder in which this process trains, at the chief's last whole epoch.

    For the chief, and on one machine, it is `out`, and locked. Every other worker saves too, as reading the variables
    takes all of them: into a temporary folder, which is removed at the end. It starts as a copy of what a run is
    continued from, so that all workers continue from the same epoch, whatever their machines see of a shared disk.

    Raises:
        InputError: the chief cannot write to `out`, or another training is in it.
    """
    if is_chief(strategy):
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(made_folder(out))
                stack.enter_context(locked(out))
                copied = _read_start(out) if worker_of(strategy)[1] > 1 else {}
            except InputError as error:
                share(strategy, json.dumps({"refused": [error.subject, error.cause]}).encode())
                raise
            share(strategy, json.dumps({"files": list(copied)}).encode())
            for content in copied.values():
                share(strategy, content)
            yield out
    else:
        start = json.loads(share(strategy, b""))
        if "refused" in start:
            raise InputError(*start["refused"])
        folder = _make_scratch(out, worker_of(strategy)[0])
        try:
            for name in start["files"]:
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_bytes(share(strategy, b""))
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _read_start(out: Path) -> dict[str, bytes]:
    """Read the files from which a run is continued, by name."""
    files = {name: read_bytes(out / name) for name in _RECORDS if is_file(out / name)}
    if _RECORDS[1] in files:
        weights = read_json(out / _RECORDS[1]).get("weights")
        # A damaged record is named when the run folder is opened.
        if isinstance(weights, str) and Path(weights).name == weights and is_file(out / "checkpoints" / weights):
            files[f"checkpoints/{weights}"] = read_bytes(out / "checkpoints" / weights)
    return files


def _make_scratch(out: Path, index: int) -> Path:
    """Make an empty folder whose name is this worker's own, and replaces the one that it left when it was killed."""
    key = hashlib.sha256(os.path.realpath(out).encode()).hexdigest()[:16]
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"salgan_tf-{user}-{key}-worker-{index}"
    try:
        if os.path.lexists(folder):
            shutil.rmtree(folder)
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise InputError(folder, f"cannot be written: {error.strerror or error}") from error
    return folder
