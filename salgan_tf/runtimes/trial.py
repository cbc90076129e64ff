"""Trials: a model file of others first runs in a child process, since it may crash, exhaust or hang the one it is in.

It sees three pictures: black, white, and noise. A saliency network takes the same time and memory for each picture; in
one with control flow or with sizes that it computes from the pixels they may grow with the brightness, for example.
What remains possible is a file made to recognise these pictures, and to be costly for others.
"""

import contextlib
import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np

import salgan_tf
from salgan_tf.errors import InputError, first_line
from salgan_tf.limits import VARIABLE, read_limit

# Ample for VGG-16 and three pictures on one slow core.
_SECONDS = 120
_STARTED = "started"
_REFUSED = 3


def try_file(path: Path, runtime: str) -> None:
    """Open a model file and run it on the pictures of a trial, in a child process with a limit of memory and of time.

    Args:
        path: the file.
        runtime: the module of `salgan_tf.runtimes` that opens it.

    Raises:
        InputError: it cannot be opened or run, crashes its runtime, needs too much memory, or does not end.
    """
    if not sys.executable or getattr(sys, "frozen", False):
        # There is no interpreter to start: a frozen program would start itself.
        return
    # The child finds modules where this process does, and none in the current folder that this process would not.
    search = [entry for entry in sys.path if isinstance(entry, str)]
    search.append(str(Path(salgan_tf.__file__).parents[1]))
    program = f"import sys; sys.path[:] = {search!a}; from salgan_tf.runtimes.trial import _answer; _answer()"
    limit = read_limit()
    command = [sys.executable, "-c", program, str(path), runtime, str(limit)]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_SECONDS
        )
        code, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired as error:
        code, output = None, error.stdout or b""
    except OSError:
        return
    first, *lines = output.decode(errors="replace").splitlines() or [""]
    if first != _STARTED or code == 0:
        # A child that did not come to the file, as in a program that embeds Python, says nothing about it.
        return
    if code is None:
        raise InputError(path, f"does not end within {_SECONDS} s")
    raise InputError(path, lines[-1] if code == _REFUSED and lines else "crashes its runtime")


def _answer() -> None:
    """In the child: try the file, and exit with 0; or print why it is refused."""
    path, runtime, limit = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    module = importlib.import_module(f"salgan_tf.runtimes.{runtime}")
    _limit_memory(limit)
    print(_STARTED, flush=True)
    try:
        # One thread: each reserves addresses, which count like memory.
        network = module.open_network(path, 1)
        noise = np.random.default_rng(0).integers(0, 256, (*network.image_shape, 3), np.uint8)
        for picture in (np.zeros_like(noise), np.full_like(noise, 255), noise):
            network.run(picture)
        return
    except InputError as error:
        text = cause = error.cause
    except MemoryError:
        text = cause = "cannot allocate"
    except Exception as error:  # Each runtime raises classes of its own.
        text, cause = str(error), f"the model cannot be run: {first_line(error)}"
    # So say the runtimes, each in other words.
    if "alloc" in text:
        cause = f"needs more than {limit / 1e9:g} GB of memory, the limit: raise it with {VARIABLE}"
    sys.stdout.buffer.write(f"{cause}\n".encode(errors="replace"))
    sys.exit(_REFUSED)


def _limit_memory(limit: float) -> None:
    """Limit the memory of this process to what it has and `limit` bytes more, where the system can."""
    with contextlib.suppress(ImportError, OSError, ValueError):  # ValueError: the user's own limit is lower.
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # Only Linux keeps such a limit.
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + int(limit),) * 2)
