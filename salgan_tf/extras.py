"""Optional dependencies: the extras of `pip install 'salgan_tf[EXTRA]'`, and what to say when one is missing."""

import importlib.util
import sys

from salgan_tf.errors import InputError

# The modules by which an extra is recognized. setup.cfg lists the packages.
_MODULES = {
    "train": ("tensorflow", "keras", "tensorboard", "scipy", "matplotlib", "filelock"),
    "evaluate": ("scipy", "ot", "matplotlib", "tabulate"),
    "heif": ("pillow_heif",),
    "onnx": ("onnx", "onnxruntime", "tf2onnx"),
    "video": ("av",),
    "ray": ("ray", "fsspec"),
}


def missing_extra(*extras: str) -> str | None:
    """Describe what must be installed before `extras` can be used; None if nothing is missing."""
    missing = {extra: [name for name in _MODULES[extra] if not _is_installed(name)] for extra in extras}
    missing = {extra: names for extra, names in missing.items() if names}
    if not missing:
        return None
    modules = ", ".join(dict.fromkeys(name for names in missing.values() for name in names))
    python = "" if "train" not in missing or (3, 11) <= sys.version_info < (3, 14) else "Python 3.11 to 3.13 and "
    return f"requires {python}{modules}: pip install 'salgan_tf[{','.join(missing)}]'"


def require(subject: str, *extras: str) -> None:
    """Check that extras are installed.

    Args:
        subject: the command, option or file that needs them.
        extras: names of extras, such as `"train"`.

    Raises:
        InputError: a module of an extra is missing; the line has the pip command that installs it.
    """
    if cause := missing_extra(*extras):
        raise InputError(subject, cause)


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # Blocked by an import hook, or put into sys.modules by hand.
        return False
