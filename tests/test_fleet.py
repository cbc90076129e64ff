"""Prediction on Ray: the maps of `predict`, in folders and in a store of S3's protocol, whatever ends meanwhile."""

import csv
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
import s3fs
from conftest import names_in, render_photograph, save_picture, write_salicon
from fsspec.implementations.local import LocalFileSystem
from moto.server import ThreadedMotoServer

import salgan_tf
from salgan_tf import engine, fleet, inference
from salgan_tf.data import records
from salgan_tf.errors import InputError
from salgan_tf.stores import Store

pytestmark = [
    # s3fs leaves its connections to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Unclosed:ResourceWarning"),
]
PATIENCE = 120


@pytest.fixture(scope="module")
def s3() -> Iterator[s3fs.S3FileSystem]:
    """A server of S3's protocol on this machine, with the bucket `bucket`."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("NO_PROXY", "127.0.0.1")
        files = s3fs.S3FileSystem(use_listings_cache=False)
        files.mkdir("bucket")
        yield files
    server.stop()


@pytest.fixture(scope="module")
def cluster(s3) -> Iterator[None]:
    """Ray with two cores, whose processes know the server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(salgan_tf.__file__).parents[1]))
        ray = engine.import_ray()
        ray.init("local", num_cpus=2, include_dashboard=False, object_store_memory=2**27, log_to_driver=False)
        yield
        ray.shutdown()


def write_photographs(root: Path, count: int) -> Path:
    """Write photographs into subfolders, and one into the folder itself."""
    save_picture(root / "top.png", render_photograph(1000))
    for seed in range(count - 1):
        save_picture(root / f"{seed % 3}" / f"{seed}.jpg", render_photograph(seed))
    return root


def contents(folder: Path) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: content for name, content in found.items() if name != fleet.ERRORS}


def contents_of_store(files: s3fs.S3FileSystem, folder: str) -> dict[str, bytes]:
    found = {name.removeprefix(f"{folder}/"): files.cat(name) for name in files.find(folder)}
    return {name: content for name, content in found.items() if name != fleet.ERRORS}


def read_errors(text: str) -> list[list[str]]:
    return list(csv.reader(text.splitlines()))


def descendants_called(text: str) -> list[int]:
    """Find processes that this one has started, directly or not, by a part of their command line."""
    parents, found = {}, []
    for folder in Path("/proc").iterdir():
        try:
            process = int(folder.name)
            parents[process] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if text in (folder / "cmdline").read_bytes().decode():
                found.append(process)
        except (OSError, ValueError):  # No process, or one that has ended.
            continue

    def is_ours(process: int) -> bool:
        while process and process != os.getpid():
            process = parents.get(process, 0)
        return process == os.getpid()

    return [process for process in found if is_ours(process)]


def test_maps_are_those_of_predict_and_what_is_there_stays(run, cluster, tmp_path):
    root = write_photographs(tmp_path / "photographs", 9)
    (root / "0" / "broken.jpg").write_text("no picture")
    save_picture(root / "1" / "1.PNG", render_photograph(7))
    expected = run("predict", root, "--out", tmp_path / "expected", "--recursive")
    done = run("predict", root, "--out", tmp_path / "maps", "--recursive", "--engine", "ray")
    assert (expected.code, done.code) == (1, 1)
    assert done.output == f"9 of 11 predicted, see {tmp_path / 'maps'}; causes in errors.csv\n"
    assert contents(tmp_path / "maps") == contents(tmp_path / "expected")
    header, broken, second = read_errors((tmp_path / "maps" / "errors.csv").read_text())
    assert header == ["photograph", "cause"]
    assert broken == [str(root / "0" / "broken.jpg"), "not a picture, or in an unsupported format"]
    first, second_name = sorted((root / "1" / "1.PNG", root / "1" / "1.jpg"))
    assert second == [str(second_name), f"its results would overwrite those of {first}: rename one"]
    assert sorted(done.lines) == sorted(f"salgan_tf: {subject}: {cause}" for subject, cause in (broken, second))

    (root / "0" / "broken.jpg").unlink()
    (root / "1" / "1.jpg").unlink()
    (tmp_path / "maps" / "top_saliency.png").unlink()
    kept = tmp_path / "maps" / "2" / "2_saliency.png"
    kept.write_bytes(b"as it was")
    done = run("predict", root, "--out", tmp_path / "maps", "--recursive", "--engine", "ray")
    assert (done.code, done.lines) == (0, [])
    assert done.output == f"1 of 1 predicted, 8 before, see {tmp_path / 'maps'}\n"
    assert kept.read_bytes() == b"as it was"
    assert (tmp_path / "maps" / "top_saliency.png").is_file()
    assert read_errors((tmp_path / "maps" / "errors.csv").read_text()) == [["photograph", "cause"]]


def test_photographs_and_maps_in_a_store(run, cluster, s3, tmp_path):
    root = write_photographs(tmp_path / "photographs", 5)
    run("predict", root, "--out", tmp_path / "expected", "--recursive", "--no-overlay", "--max-side", 40)
    s3.put(str(root), "bucket/photographs", recursive=True)
    s3.pipe("bucket/photographs/0/broken.jpg", b"no picture")
    words = ("predict", "s3://bucket/photographs/", "--out", "s3://bucket/maps", "--engine", "ray", "--recursive")
    done = run(*words, "--no-overlay", "--max-side", 40)
    assert (done.code, done.output) == (1, "5 of 6 predicted, see s3://bucket/maps; causes in errors.csv\n")
    broken = "s3://bucket/photographs/0/broken.jpg", "not a picture, or in an unsupported format"
    assert done.lines == ["salgan_tf: {}: {}".format(*broken)]
    assert read_errors(s3.cat("bucket/maps/errors.csv").decode())[1:] == [list(broken)]
    assert contents_of_store(s3, "bucket/maps") == contents(tmp_path / "expected")
    s3.rm("bucket/photographs/0/broken.jpg")
    s3.rm("bucket/maps/1/1_saliency.png")
    done = run(*words, "--no-overlay", "--max-side", 40)
    assert (done.code, done.output) == (0, "1 of 1 predicted, 4 before, see s3://bucket/maps\n")
    assert contents_of_store(s3, "bucket/maps") == contents(tmp_path / "expected")


def test_a_killed_process_costs_no_map(run, cluster, tmp_path):
    root = write_photographs(tmp_path / "photographs", 60)
    run("predict", root, "--out", tmp_path / "expected", "--recursive", "--no-overlay")
    # What a process leaves that is killed while it writes.
    left = tmp_path / "maps" / ".partial-abcdefgh"
    left.mkdir(parents=True)
    (left / "scratch.png").touch()
    killed = []

    def kill() -> None:
        until = time.monotonic() + PATIENCE
        while not killed and time.monotonic() < until:
            # The first map, beside what was left: on a busy machine the others may come while processes are looked for.
            if len(list((tmp_path / "maps").rglob("*.png"))) > 1:
                for process in descendants_called("ray::_Caller")[:1]:
                    os.kill(process, signal.SIGKILL)
                    killed.append(process)
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    done = run("predict", root, "--out", tmp_path / "maps", "--recursive", "--no-overlay", "--engine", "ray")
    killer.join()
    assert len(killed) == 1
    assert done.lines == ["salgan_tf: --engine ray: a process ended; another one repeats what it had begun"]
    assert (done.code, done.output) == (0, f"60 of 60 predicted, see {tmp_path / 'maps'}\n")
    assert contents(tmp_path / "maps") == contents(tmp_path / "expected")
    assert not left.exists()


def test_an_item_that_ends_its_processes_is_given_up_alone(cluster):
    def make(word: str):
        def call(item: str) -> str:
            if item == "50":
                os._exit(1)
            return f"{word} {item}"

        return call

    remarks: list[InputError] = []
    items = [str(number) for number in range(100)]
    outcomes = list(engine.call_each(make, ("done",), items, 2, 16, remarks.append))
    assert sorted(outcomes) == sorted((item, None if item == "50" else f"done {item}") for item in items)
    assert len(remarks) == 3


def test_a_process_works_on_several_items_at_once(cluster):
    def make():
        both = threading.Barrier(2, timeout=PATIENCE)

        def call(item: str) -> str:
            both.wait()
            return item

        return call

    items = [str(number) for number in range(40)]
    outcomes = list(engine.call_each(make, (), items, 1, 2, at_once=2))
    assert sorted(outcomes) == sorted(zip(items, items, strict=True))


def test_processes_that_end_at_once_end_the_call(cluster, monkeypatch):
    monkeypatch.setattr(engine, "_MOST_IN_VAIN", 1)
    with pytest.raises(InputError, match="its processes end as soon as they work"):
        list(engine.call_each(lambda: lambda item: os._exit(1), (), ["a", "b", "c", "d"], 1, 16, lambda remark: None))


def test_what_makes_the_workers_fails_in_one_line(cluster, tmp_path):
    (tmp_path / "photographs").mkdir()
    arguments = (str(tmp_path / "photographs"), str(tmp_path / "maps"), "no_such.tflite")
    with pytest.raises(InputError, match=r"^no_such.tflite: no such model; expected "):
        list(engine.call_each(fleet.MapWriter, arguments, ["a.jpg"], 2, 16))


def test_ctrl_c_ends_a_cluster_within_seconds(tmp_path):
    root = write_photographs(tmp_path / "photographs", 300)
    words = [sys.executable, "-m", "salgan_tf", "predict", str(root), "--out", str(tmp_path / "maps"), "--recursive"]
    variables = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    with subprocess.Popen(
        [*words, "--engine", "ray"],
        env=variables,
        stderr=subprocess.PIPE,
        text=True,
        # Tests that run in the background inherit that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        until = time.monotonic() + PATIENCE
        while not list(tmp_path.glob("maps/*/*.png")) and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors) == (130, "salgan_tf: interrupted; repeat the command to do the rest\n")
    maps = list(tmp_path.glob("maps/*/*.png"))
    assert 0 < len(maps) < 300
    for path in maps:
        assert path.read_bytes().endswith(b"IEND\xaeB`\x82")
    assert names_in(tmp_path / "maps")[-1] == "errors.csv"


def test_a_map_writer_works_without_an_engine(tmp_path):
    root = write_photographs(tmp_path / "photographs", 2)
    files = fsspec.filesystem("memory")
    files.put(str(root), "/photographs", recursive=True)
    write = fleet.MapWriter("memory://photographs", "memory://maps")
    assert [write("top.png"), write("0/0.jpg"), write("missing.jpg")] == ["", "", "No such file or folder"]
    inference.predict_files(root, tmp_path / "expected", recursive=True)
    found = {name.removeprefix("/maps/"): files.cat(name) for name in files.find("/maps")}
    assert found == contents(tmp_path / "expected")
    files.rm("/", recursive=True)


def plan(root: Path, out: Path, recursive: bool = True) -> tuple[fleet.Work, list[str]]:
    remarks: list[InputError] = []
    work = fleet.plan_work(Store(root), Store(out), True, recursive, remarks.append)
    return work, list(map(str, remarks))


def test_results_in_the_folder_of_the_photographs_are_none(tmp_path):
    root = write_photographs(tmp_path / "photographs", 4)
    inference.predict_files(root / "top.png", root)
    (root / "errors.csv").write_text("photograph,cause\n")
    work, remarks = plan(root, root)
    assert work == (["0/0.jpg", "1/1.jpg", "2/2.jpg"], 1, [])
    assert remarks == [f"{root}: 2 results of an earlier call skipped"]
    (root / "link").symlink_to(root)
    work, _ = plan(root, root / "link")
    assert work.names == ["0/0.jpg", "1/1.jpg", "2/2.jpg"]


def test_a_folder_of_results_among_the_photographs_is_left_out(tmp_path):
    root = write_photographs(tmp_path / "photographs", 4)
    inference.predict_files(root, root / "maps", recursive=True)
    assert plan(root, root / "maps") == (fleet.Work([], 4, []), [])


def test_a_photograph_is_not_overwritten_by_the_overlay_of_another(tmp_path):
    save_picture(tmp_path / "cat.jpg", render_photograph(0))
    save_picture(tmp_path / "cat_overlay.jpg", render_photograph(1))
    work, _ = plan(tmp_path, tmp_path)
    assert work.names == ["cat_overlay.jpg"]
    cause = f"its results would overwrite {tmp_path / 'cat_overlay.jpg'}, another input: use another folder"
    assert list(map(str, work.errors)) == [f"{tmp_path / 'cat.jpg'}: {cause}"]


def test_what_is_skipped_is_said(tmp_path):
    root = write_photographs(tmp_path / "photographs", 4)
    (root / "notes.txt").write_text("notes")
    (root / ".hidden.jpg").write_text("hidden")
    work, remarks = plan(root, tmp_path / "maps", recursive=False)
    assert work.names == ["top.png"]
    assert remarks == [
        f"{root}: 1 file is not a picture and was skipped",
        f"{root}: its subfolders were skipped; --recursive takes them",
    ]
    (root / "top.png").unlink()
    with pytest.raises(InputError, match=r"no pictures in this folder; --recursive takes its subfolders$"):
        plan(root, tmp_path / "maps", recursive=False)


@pytest.mark.parametrize(
    ("root", "out", "line"),
    [
        ("s3://none/photographs", "maps", "s3://none/photographs: No such bucket"),
        ("s3://bucket/nothing", "maps", "s3://bucket/nothing: No such file or folder"),
        ("s3://bucket/file.jpg", "maps", "s3://bucket/file.jpg: is a file: expected a folder"),
        ("photographs", "s3://none/maps", "s3://none/maps/errors.csv: No such bucket"),
        ("gs://bucket/photographs", "maps", "gs://bucket/photographs: requires gcsfs: pip install gcsfs"),
        ("photographs", "gs://bucket/maps", "gs://bucket/maps: requires gcsfs: pip install gcsfs"),
        ("tape://a", "maps", "tape://a: tape:// is not known: expected s3://, gs://, az:// or a folder"),
        ("memory://a", "maps", "memory://a: is seen by one process only, and Ray has several"),
        ("missing", "maps", "missing: No such file or folder"),
        ("photographs/top.png", "maps", "photographs/top.png: is a file: expected a folder"),
    ],
)
def test_bad_places_are_one_line(run, s3, tmp_path, monkeypatch, root, out, line):
    write_photographs(tmp_path / "photographs", 1)
    s3.pipe("bucket/file.jpg", b"content")
    monkeypatch.chdir(tmp_path)
    done = run("predict", root, "--out", out, "--engine", "ray")
    assert (done.code, done.output, done.lines) == (1, "", [f"salgan_tf: {line}"])
    assert names_in(tmp_path) == ["photographs"]


class Denied(http.server.BaseHTTPRequestHandler):
    """Answers as S3 does whoever has no permission."""

    def do_GET(self) -> None:
        content = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        self.send_response(403)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        pass


def test_no_permission_and_no_network_are_one_line(run, s3, tmp_path, monkeypatch):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Denied) as server, socket.socket() as closed:
        threading.Thread(target=server.serve_forever).start()
        closed.bind(("127.0.0.1", 0))
        causes = {
            server.server_address[1]: "Access Denied",
            closed.getsockname()[1]: "Could not connect to the endpoint",
        }
        for port, cause in causes.items():
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
            s3fs.S3FileSystem.clear_instance_cache()
            done = run("predict", "s3://bucket/photographs", "--out", tmp_path / "maps", "--engine", "ray")
            (line,) = done.lines
            assert done.code == 1
            assert line.startswith(f"salgan_tf: s3://bucket/photographs: {cause}")
        server.shutdown()
    s3fs.S3FileSystem.clear_instance_cache()


def test_a_cluster_that_is_not_there_is_one_line(tmp_path):
    write_photographs(tmp_path / "photographs", 1)
    words = [sys.executable, "-m", "salgan_tf", "predict", "photographs", "--out", "maps", "--engine", "ray"]
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        variables = os.environ | {"RAY_ADDRESS": address}
        done = subprocess.run(words, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=PATIENCE)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert line.startswith(f"salgan_tf: RAY_ADDRESS={address}: Ray cannot be used: ")


def test_a_table_of_someone_else_is_not_replaced(run, tmp_path):
    root = write_photographs(tmp_path / "photographs", 1)
    (tmp_path / "errors.csv").write_text("mine")
    done = run("predict", root, "--out", tmp_path, "--engine", "ray")
    table = tmp_path / "errors.csv"
    assert done.lines == [f"salgan_tf: {table}: is in the way, and predict did not write it: use another folder"]
    assert (done.code, table.read_text()) == (1, "mine")


def test_a_uri_requires_an_engine(run, tmp_path):
    for words in (("s3://bucket/photographs", "--out", tmp_path), (tmp_path, "--out", "s3://bucket/maps")):
        done = run("predict", *words)
        uri = next(word for word in words if str(word).startswith("s3:"))
        assert (done.code, done.lines) == (1, [f"salgan_tf: {uri}: a URI requires --engine ray"])


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (("a", "--camera", "0"), "--engine and --camera exclude each other"),
        (("a", "--regions", "r.json"), "--engine and --regions exclude each other"),
        (("a", "--maps"), "--engine and --maps exclude each other"),
        (("a", "b"), "--engine takes one PATH, a folder of photographs"),
        ((), "--engine takes one PATH, a folder of photographs"),
        (("a.mp4",), "--engine takes one PATH, a folder of photographs"),
    ],
)
def test_options_that_do_not_apply_are_refused(capsys, words, cause):
    from salgan_tf.__main__ import main

    with pytest.raises(SystemExit) as ended:
        main(["predict", *words, "--out", "maps", "--engine", "ray"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith(f"error: {cause}")


def test_records_are_those_of_one_process(run, cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(records, "EXAMPLES_PER_SHARD", 4)
    root = write_salicon(tmp_path / "salicon")
    (bad,) = (root / "images" / "train").glob("scene_3.*")
    bad.write_bytes(b"no picture")
    runs = [
        run("prepare", "--data", root, "--out", tmp_path / name, "--size", "32x64", *options)
        for name, options in (("alone", ()), ("fleet", ("--engine", "ray")), ("fleet", ("--engine", "ray")))
    ]
    assert [result.code for result in runs] == [1, 1, 1]
    for result in runs:
        assert any(str(bad) in line for line in result.lines), result.lines
    assert contents(tmp_path / "fleet") == contents(tmp_path / "alone")


def test_a_subfolder_that_cannot_be_listed_is_named(tmp_path, monkeypatch):
    root = write_photographs(tmp_path / "photographs", 9)
    ls = LocalFileSystem.ls

    def refuse(self, path, *arguments, **options):
        if Path(path).name == "1":
            raise PermissionError(13, "Permission denied", path)
        return ls(self, path, *arguments, **options)

    monkeypatch.setattr(LocalFileSystem, "ls", refuse)
    with pytest.raises(InputError) as caught:
        Store(root).list_files(True)
    assert str(caught.value) == f"{root / '1'}: Permission denied"


def test_an_empty_path_is_not_the_current_folder(run, tmp_path):
    done = run("predict", "", "--out", tmp_path / "maps", "--engine", "ray")
    assert (done.code, done.lines) == (1, ["salgan_tf: an empty path: expected a folder"])


def test_a_name_that_is_no_text_is_listed(run, cluster, tmp_path):
    root = write_photographs(tmp_path / "photographs", 1)
    Path(os.fsdecode(os.fsencode(root) + b"/bad\xff.jpg")).write_text("no picture")
    done = run("predict", root, "--out", tmp_path / "maps", "--engine", "ray")
    assert done.output.startswith("1 of 2 predicted")
    _, bad = read_errors((tmp_path / "maps" / "errors.csv").read_text())
    assert bad[0] == f"{root}/bad\\udcff.jpg"
