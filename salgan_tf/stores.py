"""Folders on disks and in object stores, by path or URI, through fsspec."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from salgan_tf import extras
from salgan_tf.errors import InputError, first_line
from salgan_tf.files import find_real, made_folder, write_bytes

# Where an object appears whole or not at all, whatever becomes of the writer.
_OBJECT_STORES = frozenset(("s3", "gs", "abfs", "memory"))
# A store that cannot be reached is an error after some 15 seconds, and one that is busy is tried again.
_S3: dict[str, Any] = {
    "config_kwargs": {
        "connect_timeout": 3,
        "read_timeout": 10,
        "retries": {"mode": "standard", "max_attempts": 3},
    },
    # Else it asks for the size of each file before it reads it.
    "max_concurrency": 1,
}
_OPTIONS: dict[str, dict[str, Any]] = {"s3": _S3, "s3a": _S3}


def is_uri(text: str) -> bool:
    """Return whether a text is a URI, such as `s3://bucket/photos`, and no path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text) is not None


class Store:
    """A folder on a disk or in an object store.

    Args:
        uri: path, or URI such as `s3://bucket/photos`.

    Attributes:
        uri: what errors call it.
        folder: the folder, without links; None in an object store.
        protocol: the first name of its protocol; `file` for a folder.

    Raises:
        InputError: the extra `ray` or the package of the URI's protocol is not installed, or there is no such protocol.
    """

    def __init__(self, uri: str | Path):
        extras.require(str(uri) or "a folder", "ray")
        if not str(uri):
            raise InputError("an empty path", "expected a folder")
        import fsspec
        from fsspec.implementations.local import LocalFileSystem

        self.uri = re.sub(r"(?<=[^:/])/+$", "", str(uri))
        self.folder: Path | None = None
        if is_uri(self.uri):
            protocol = self.uri.partition("://")[0].lower()
            # Listings would stay in memory, and what other processes write since would be missing.
            options = {"use_listings_cache": False, **_OPTIONS.get(protocol, {})}
            with self._named(self.uri):
                _check_package(self.uri, protocol)
                self._files, self._path = fsspec.core.url_to_fs(self.uri, **options)
        else:
            self._files, self._path = LocalFileSystem(), str(find_real(uri))
        if isinstance(self._files, LocalFileSystem):
            self.folder = find_real(self._path)
            self._path = self.folder.as_posix()
        names = self._files.protocol
        self.protocol = names if isinstance(names, str) else names[0]

    def __str__(self) -> str:
        return self.uri

    def address(self, name: str) -> str:
        """Return the whole path or URI of a file."""
        return f"{self.uri.rstrip('/')}/{name}"

    def place(self, name: str = "") -> tuple[str, str]:
        """Return what is equal for the same place, however it was given: of the folder, or of a file in it."""
        return self.protocol, f"{self._path}/{name}".rstrip("/")

    def list_files(self, recursive: bool, without: "Store | None" = None) -> tuple[dict[str, int], bool]:
        """List the files in the folder, except hidden ones.

        Args:
            recursive: also those in subfolders, except hidden ones and links.
            without: a folder that is left out.

        Returns:
            The size in bytes of each file by its name, which has the subfolders: `sub/cat.jpg`; and whether there are
            subfolders that were not taken.

        Raises:
            InputError: it is no folder, may not be read, or cannot be reached; a store has no empty folders.
        """
        found: dict[str, int] = {}
        left_out = False
        folders = [""]
        for inside in folders:
            with self._named(self.address(inside).rstrip("/") if inside else self.uri):
                # One level at a time: below the first, fsspec's walk leaves out what cannot be listed.
                walk = self._files.walk(f"{self._path}/{inside}".rstrip("/"), maxdepth=1, detail=True, on_error="raise")
                _, subfolders, files = next(iter(walk))
            if "" in files:
                raise InputError(self.uri, "is a file: expected a folder")
            found |= {f"{inside}{name}": entry["size"] for name, entry in files.items() if not name.startswith(".")}
            taken = [
                f"{inside}{name}/"
                for name in subfolders
                if name and not name.startswith(".")
                if not without or self.place(f"{inside}{name}") != without.place()
            ]
            if recursive:
                folders += taken
            else:
                left_out = bool(taken)
        return found, left_out

    def read(self, name: str) -> bytes:
        """Read a file.

        Raises:
            InputError: it is not there, may not be read, or cannot be reached.
        """
        with self._named(self.address(name)):
            return self._files.cat_file(f"{self._path}/{name}")

    def write(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all.

        Raises:
            InputError: it cannot be written.
        """
        if self.folder:
            write_bytes(self.folder / name, content)
            return
        with self._named(self.address(name)):
            self._files.pipe_file(f"{self._path}/{name}", content)

    def exists(self, name: str) -> bool:
        """Return whether there is such a file.

        Raises:
            InputError: it cannot be told.
        """
        with self._named(self.address(name)):
            return self._files.exists(f"{self._path}/{name}")

    @contextlib.contextmanager
    def made(self) -> Iterator[None]:
        """Make a folder for what a block writes; stores need none.

        Raises:
            InputError: it cannot be made, or the URI is neither of a disk nor of an object store.
        """
        if self.folder:
            with made_folder(self.folder):
                yield
        elif self.protocol in _OBJECT_STORES:
            yield
        else:
            raise InputError(self.uri, "is neither a folder nor in an object store: a file might be written in part")

    @contextlib.contextmanager
    def _named(self, address: str) -> Iterator[None]:
        """Turn the errors of a block into InputError."""
        try:
            yield
        except InputError:
            raise
        except FileNotFoundError as error:
            missing = "bucket" if "bucket does not exist" in str(error) else "file or folder"
            raise InputError(address, f"No such {missing}") from error
        except Exception as error:  # Each store's package raises classes of its own.
            raise InputError(address, getattr(error, "strerror", None) or first_line(error)) from error


def _check_package(uri: str, protocol: str) -> None:
    """Check that the package of a protocol is installed."""
    from fsspec.registry import get_filesystem_class, known_implementations

    try:
        get_filesystem_class(protocol)
    except ImportError as error:
        package = known_implementations[protocol]["class"].partition(".")[0]
        hint = first_line(error) if package == "fsspec" else f"requires {package}: pip install {package}"
        raise InputError(uri, hint) from error
    except ValueError as error:
        raise InputError(uri, f"{protocol}:// is not known: expected s3://, gs://, az:// or a folder") from error
