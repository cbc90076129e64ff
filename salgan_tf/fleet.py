"""Millions of photographs, in folders or object stores, by processes that read and write themselves."""

import csv
import io
import shutil
import tempfile
import unicodedata
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from tqdm import tqdm

from salgan_tf import engine, images
from salgan_tf.errors import InputError, first_line, report
from salgan_tf.files import find_real, find_scratch
from salgan_tf.inference import MAP_ENDING, OVERLAY_ENDING, SaliencyPredictor, is_result, predict_file
from salgan_tf.limits import check_memory
from salgan_tf.parallel import naming_lack_of_memory
from salgan_tf.stores import Store
from salgan_tf.weights import BUNDLED, find_model

ERRORS = "errors.csv"
_COLUMNS = ("photograph", "cause")
# Photographs that a process is given at a time: some seconds of work.
_TOGETHER = 32
# Photographs that a process has on their way from and to a store: one is predicted while others wait for the network.
_IN_FLIGHT = 8


class MapWriter:
    """Writes the map and the overlay of one photograph after the other, as `predict_files` does, for any engine.

    Both appear whole, the overlay before the map. A result that is there is replaced.

    Args:
        root: folder of the photographs, by path or URI.
        out: folder of the results.
        model: as for `SaliencyPredictor`; it runs on one core.
        overlay: write the overlays too.
        max_side: as for `predict_files`.

    Raises:
        InputError: the model cannot be used, or the package of a URI is not installed.
    """

    def __init__(
        self,
        root: str | Path,
        out: str | Path,
        model: str | Path = "edge",
        overlay: bool = True,
        max_side: int | None = None,
    ):
        self._root, self._out = Store(root), Store(out)
        self._predict = SaliencyPredictor(model, threads=1)
        self._endings, self._max_side = _endings(overlay), max_side

    def __call__(self, name: str) -> str:
        """Predict a photograph.

        Args:
            name: its name below `root`, such as `sub/cat.jpg`. Its results are called `sub/cat` with other endings.

        Returns:
            An empty text, or why it failed.
        """
        results = [f"{_base(name)}{ending}" for ending in self._endings]
        with tempfile.TemporaryDirectory(prefix="salgan_tf-") as scratch:
            source = self._root.folder / name if self._root.folder else Path(scratch, "in", PurePosixPath(name).name)
            targets = [Path(self._out.folder or f"{scratch}/out", result) for result in results]
            try:
                if not self._root.folder:
                    source.parent.mkdir()
                    source.write_bytes(self._root.read(name))
                with naming_lack_of_memory(source):
                    predict_file(source, targets, self._predict, max_side=self._max_side)
                if not self._out.folder:
                    # The map last: where it is, the other one is too.
                    for target, result in reversed(list(zip(targets, results, strict=True))):
                        self._out.write(result, target.read_bytes())
            except InputError as error:
                own = error.subject in (str(source), self._root.address(name))
                return error.cause if own else str(error)
            except Exception as error:  # One that nobody foresaw ends this photograph, not the millions.
                return f"unexpected {type(error).__name__}: {first_line(error)}"
        return ""


def _endings(overlay: bool) -> tuple[str, ...]:
    return (MAP_ENDING, OVERLAY_ENDING)[: 1 + overlay]


def _base(name: str) -> str:
    return PurePosixPath(name).with_suffix("").as_posix()


class Work(NamedTuple):
    """What there is to do: names of photographs, how many have their results, and an error for each that has none."""

    names: list[str]
    done: int
    errors: list[InputError]


def plan_work(
    root: Store, out: Store, overlay: bool, recursive: bool, report: Callable[[InputError], None] = report
) -> Work:
    """Find the photographs of a folder that have no results yet.

    Args:
        root: folder of the photographs.
        out: folder of the results. If it is the same, results of an earlier call are no photographs; if it is in
            `root`, it is left out.
        overlay: whether an overlay belongs to the results.
        recursive: also take subfolders.
        report: called with a remark for what is skipped.

    Raises:
        InputError: a folder cannot be read, or has no photographs.
    """
    files, left_out = root.list_files(recursive, without=out)
    there = files if out.place() == root.place() else _list_results(out, recursive)
    names = [name for name in sorted(files) if PurePosixPath(name).suffix.lower() in images.picture_suffixes()]
    others = len(files) - len(names)
    if there is files:
        found = set(names)
        names = [name for name in names if not is_result(Path(name), lambda path: path.as_posix() in found)]
        if len(names) < len(found):
            count = len(found) - len(names)
            report(InputError(root.uri, f"{count} result{'s' * (count > 1)} of an earlier call skipped"))
        others -= ERRORS in files
    if not names:
        hint = "; --recursive takes its subfolders" if left_out else ""
        raise InputError(root.uri, f"no pictures in this folder{hint}")
    if others:
        report(images.describe_skipped(root.uri, others))
    if left_out:
        report(InputError(root.uri, "its subfolders were skipped; --recursive takes them"))
    inputs = {root.place(name): name for name in names}
    holders: dict[str, str] = {}
    work = Work([], 0, [])
    for name in names:
        results = [f"{_base(name)}{ending}" for ending in _endings(overlay)]
        # The same for names that some disks do not distinguish.
        key = unicodedata.normalize("NFC", _base(name)).casefold()
        taken = [inputs[place] for place in map(out.place, results) if place in inputs]
        try:
            if key in holders:
                holder = root.address(holders[key])
                raise InputError(root.address(name), f"its results would overwrite those of {holder}: rename one")
            if taken:
                other = root.address(taken[0])
                raise InputError(
                    root.address(name), f"its results would overwrite {other}, another input: use another folder"
                )
            holders[key] = name
            if not all(result in there for result in results):
                check_memory(root.address(name), files[name])
                work.names.append(name)
        except InputError as error:
            work.errors.append(error)
    return work._replace(done=len(names) - len(work.names) - len(work.errors))


def _list_results(out: Store, recursive: bool) -> dict[str, int]:
    """List the files in the folder of the results; none if it is not there yet."""
    try:
        return out.list_files(recursive)[0]
    except InputError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return {}
        raise


def predict_fleet(
    root: str | Path,
    out: str | Path,
    model: str | Path = "edge",
    overlay: bool = True,
    recursive: bool = False,
    max_side: int | None = None,
    report: Callable[[InputError], None] = report,
) -> tuple[int, int, int]:
    """Write the maps and overlays of a folder of photographs that are not there yet, on Ray, with a progress bar.

    They are those of `predict_files` to the byte. `errors.csv` in `out` lists the photographs that failed, with the
    cause: a line each under `photograph,cause`, of this call alone.

    Args:
        root: folder of the photographs, by path or URI such as `s3://bucket/photos`. All machines of a cluster see it,
            and `out`, under this name.
        out: folder of the results.
        model: as for `SaliencyPredictor`, but by name or path.
        overlay: write the overlays too.
        recursive: also take the subfolders, and make the same ones in `out`.
        max_side: as for `predict_files`.
        report: called with the error of each photograph that failed, and with a remark for what is skipped.

    Returns:
        How many photographs were predicted, how many had their results before, and how many failed.

    Raises:
        InputError: a folder cannot be read or written, has no photographs, the model cannot be used, or an extra or
            the package of a URI is not installed.
    """
    photographs, results = Store(root), Store(out)
    for store in (photographs, results):
        if store.protocol == "memory":
            raise InputError(store.uri, "is seen by one process only, and Ray has several")
    # What is wrong with the model is told once, and not by every process.
    SaliencyPredictor(model)
    name = model if str(model) in BUNDLED else find_real(find_model(model))
    work = plan_work(photographs, results, overlay, recursive, report)
    with results.made():
        _check_table(results)
        # Where it cannot be written, no map can.
        _write_table(results, [])
        failed: list[InputError] = []

        def note(error: InputError) -> None:
            failed.append(error)
            report(error)

        for error in work.errors:
            note(error)
        # Processes run in folders of their own.
        places = [str(store.folder or store.uri) for store in (photographs, results)]
        arguments = (*places, str(name), overlay, max_side)
        try:
            at_once = 1 if photographs.folder and results.folder else _IN_FLIGHT
            done = _predict_all(photographs, arguments, work.names, note, report, at_once)
        finally:
            _write_table(results, failed)
            if results.folder:
                # Of processes that were killed.
                for folder in {(results.folder / name).parent for name in work.names}:
                    for scratch in find_scratch(folder):
                        shutil.rmtree(scratch, ignore_errors=True)
    return done, work.done, len(failed)


def _predict_all(
    root: Store,
    arguments: tuple,
    names: list[str],
    note: Callable[[InputError], None],
    report: Callable[[InputError], None],
    at_once: int,
) -> int:
    if not names:
        return 0
    done = 0
    with engine.cluster() as cores, tqdm(total=len(names), desc="predict", unit="picture", disable=None) as bar:
        for name, cause in engine.call_each(MapWriter, arguments, names, cores, _TOGETHER, report, at_once):
            if cause:
                note(InputError(root.address(name), cause))
            elif cause is None:
                note(InputError(root.address(name), "every process that worked on it ended: it may need much memory"))
            else:
                done += 1
            bar.update()
    return done


def _check_table(out: Store) -> None:
    """Check that what will be replaced is a table of errors."""
    if out.exists(ERRORS) and not out.read(ERRORS).startswith(",".join(_COLUMNS).encode()):
        raise InputError(out.address(ERRORS), "is in the way, and predict did not write it: use another folder")


def _write_table(out: Store, errors: list[InputError]) -> None:
    text = io.StringIO(newline="")
    lines = csv.writer(text)
    lines.writerow(_COLUMNS)
    lines.writerows((error.subject, error.cause) for error in sorted(errors, key=str))
    out.write(ERRORS, text.getvalue().encode(errors="backslashreplace"))
