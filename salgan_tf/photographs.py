"""Photographs and folders of them in, results of each in a folder: the loop of every command that takes photographs."""

import contextlib
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple, TypeVar

from tqdm import tqdm

from salgan_tf import images
from salgan_tf.errors import InputError
from salgan_tf.files import check_results, find_real, fold_name, identify_all, is_folder
from salgan_tf.parallel import attempt_each, naming_lack_of_memory

Result = TypeVar("Result")


class Photograph(NamedTuple):
    """A photograph that was found.

    Attributes:
        path: its file.
        base: the path of its results in the output folder, without their endings.
    """

    path: Path
    base: Path


def collect_photographs(
    paths: Iterable[str | Path],
    out: Path,
    recursive: bool,
    report: Callable[[InputError], None],
    is_result: Callable[[Path], bool] = lambda path: False,
    describe_others: Callable[[Path], str] = lambda folder: "",
) -> tuple[list[Photograph], int]:
    """List the photographs of paths, each once; report paths that have none.

    Args:
        paths: photographs, and folders of photographs.
        out: folder of the results.
        recursive: also take the subfolders of folders, except `out`.
        report: called with the error of each path without photographs, and with a remark for what is skipped.
        is_result: whether a picture in `out` is a result of an earlier call, which is skipped there.
        describe_others: what to say of a folder without photographs beside that, if there is anything.

    Returns:
        The photographs, and how many paths failed.
    """
    photographs, failed = [], 0
    for given in paths:
        path = Path(given)
        try:
            if given == "":
                # `Path` takes it for the current folder.
                raise InputError("an empty path", "expected a photograph or a folder")
            find_real(path)
        except InputError as error:
            failed += 1
            report(error)
            continue
        if not is_folder(path):
            photographs.append(Photograph(path, Path(path.stem)))
            continue
        found, others, before = [], 0, failed
        folders = [path]
        for folder in folders:
            try:
                pictures, rest = images.split_folder(folder)
            except InputError as error:
                failed += 1
                report(error)
                continue
            others += rest
            found += [Photograph(picture, picture.relative_to(path).with_suffix("")) for picture in pictures]
            if recursive:
                folders += _subfolders(folder, out)
        if path.resolve() == out.resolve():
            results = {picture for picture in found if is_result(picture.path)}
            found = [picture for picture in found if picture not in results]
            if results:
                report(describe_results(path, len(results)))
        if others and found:
            report(images.describe_skipped(path, others))
        skipped = failed == before and not recursive and _subfolders(path, out)
        if not found and failed == before:
            failed += 1
            hint = "; --recursive takes its subfolders" if skipped else ""
            report(InputError(path, f"no pictures in this folder{hint}{describe_others(path)}"))
        elif skipped:
            report(InputError(path, "its subfolders were skipped; --recursive takes them"))
        photographs += found
    # The same photograph may be given under several names: the first one counts.
    once = {find_real(photograph.path): photograph for photograph in reversed(photographs)}
    return list(once.values())[::-1], failed


def describe_results(folder: Path, count: int) -> InputError:
    """Describe results of an earlier call in a line, to be reported though they are no error."""
    return InputError(folder, f"{'1 result' if count == 1 else f'{count} results'} of an earlier call skipped")


def _subfolders(folder: Path, out: Path) -> list[Path]:
    """List the folders in a folder, except links, which may lead in a circle, hidden ones, and that of the results."""
    return [
        inside
        for inside in sorted(folder.iterdir())
        if inside.is_dir() and not inside.is_symlink() and not inside.name.startswith(".")
        if inside.resolve() != out.resolve()
    ]


class _Task(NamedTuple):
    """A photograph to process.

    Attributes:
        path: its file.
        results: the files that it becomes.
        name: what stands for the first of them, and is the same for names that some disks do not distinguish.
        earlier: is set when the photograph before it with the same name is processed; None if there is none.
        done: is set when it is processed itself.
    """

    path: Path
    results: list[Path]
    name: str
    earlier: threading.Event | None
    done: threading.Event


def process_photographs(
    photographs: list[Photograph],
    name_results: Callable[[Photograph], list[Path]],
    process: Callable[[Path, list[Path]], Result],
    inputs: Iterable[Path],
    report: Callable[[InputError], None],
    description: str,
) -> tuple[list[Result], int]:
    """Process photographs on all cores; a bad one does not stop the others, no input or other result is overwritten.

    Args:
        photographs: what `collect_photographs` has found.
        name_results: from a photograph to the files that it becomes, at least one.
        process: called in threads, with a photograph's file and these files. It writes all of them or none.
        inputs: the other files that must not be overwritten.
        report: called with the error of each photograph that failed, in order.
        description: what the progress bar is called.

    Returns:
        What `process` returned for each photograph that did not fail, in order, and how many failed.
    """
    taken = identify_all([*inputs, *(path for path, _ in photographs)])
    # By name, the photograph whose results are there.
    written: dict[str, Path] = {}

    def attempt(task: _Task) -> Result:
        if task.earlier:
            # Begun before this one. A photograph that fails leaves its name to the next one.
            task.earlier.wait()
        try:
            check_results(task.path, task.results, written, taken)
            with naming_lack_of_memory(task.path):
                outcome = process(task.path, task.results)
            written[task.name] = task.path
            return outcome
        finally:
            task.done.set()

    latest: dict[str, threading.Event] = {}
    tasks = []
    for photograph in photographs:
        results = name_results(photograph)
        name = fold_name(results[0])
        done = threading.Event()
        tasks.append(_Task(photograph.path, results, name, latest.get(name), done))
        latest[name] = done
    outcomes, failed = [], 0
    # A progress bar for a single photograph would be noise.
    bar = tqdm(total=len(tasks), desc=description, unit="picture", disable=True if len(tasks) < 2 else None)
    with bar, contextlib.closing(attempt_each(attempt, tasks)) as attempts:
        for outcome in attempts:
            if isinstance(outcome, InputError):
                failed += 1
                report(outcome)
            else:
                outcomes.append(outcome)
            bar.update()
    return outcomes, failed
