"""Files of weights that declare more than they store, or are no files at all: refused, and no memory taken."""

import io
import json
import resource
import shutil
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from conftest import UNREADABLE

from salgan_tf import InputError, SaliencyPredictor, build_generator
from salgan_tf.files import read_npz
from salgan_tf.models.pretrained import load_generator, load_weights_file

MEMORY = 300_000_000


@pytest.fixture(autouse=True)
def little_memory():
    """Let each test fail that takes more than `MEMORY` at any moment; reading what is declared would."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MEMORY


@pytest.fixture(scope="module")
def generator() -> keras.Model:
    return build_generator("mobilenet_v2", (32, 32, 3))


def npy(shape: tuple[int, ...], content: bytes = b"") -> bytes:
    """Return an .npy file of float32 that declares a shape."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return file.getvalue() + content


def write_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def write_zeros(path: Path, member: str, size: int) -> Path:
    """Write an archive of a member of zeros, a thousandth of its size."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(member, "w") as file:
        for _ in range(size // 10**7):
            file.write(bytes(10**7))
    return path


def write_keras(path: Path, generator: keras.Model, change=lambda config: None, weights: bytes | None = None) -> Path:
    """Save a generator with another configuration or other weights."""
    generator.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config["config"]["layers"])
    members["config.json"] = json.dumps(config).encode()
    if weights is not None:
        members["model.weights.h5"] = weights
    return write_zip(path, members)


def declare_weights(gigabytes: int) -> bytes:
    """Return an HDF5 file that declares weights and stores none of them."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file.create_dataset("layers/conv2d/vars/0", (gigabytes, 10**9 // 4), "<f4", chunks=(1, 10**6))
    return content.getvalue()


# === .npz ===


@pytest.mark.parametrize("shape", [(10**12,), (10**6, 10**6), (2**62, 2**62), (300_000_000,)])
def test_archive_of_arrays_that_declare_terabytes(shape, tmp_path):
    path = write_zip(tmp_path / "declared.npz", {"arr_0.npy": npy(shape, b"few")})
    with pytest.raises(InputError, match=r"not an .npz file of arrays, or damaged"):
        read_npz(path)


def test_archive_that_inflates_to_gigabytes(tmp_path, monkeypatch):
    monkeypatch.setenv("SALGAN_TF_MEMORY_GB", "0.5")
    path = write_zeros(tmp_path / "zeros.npz", "arr_0.npy", 600_000_000)
    assert path.stat().st_size < 10**6
    with pytest.raises(InputError, match=r"zeros.npz: needs 0.6 GB of memory and the limit is 0.5 GB"):
        read_npz(path)


def test_arrays_of_every_shape_are_read(tmp_path):
    arrays = {"a": np.zeros((0, 3)), "b": np.float32(4), "c": np.asfortranarray(np.eye(3)), "d": np.array(["x", "yy"])}
    arrays |= {"e": np.arange(6, dtype=np.float16).reshape(2, 3)}
    np.savez_compressed(tmp_path / "good.npz", **arrays)
    for name, value in read_npz(tmp_path / "good.npz").items():
        np.testing.assert_array_equal(value, arrays[name])


# === .keras and .weights.h5 ===


def test_layers_larger_than_the_stored_weights(generator, tmp_path):
    def grow(layers):
        (layer,) = (layer for layer in layers if layer["config"]["name"] == "Conv1")
        layer["config"]["filters"] = 10**8

    path = write_keras(tmp_path / "grown.keras", generator, grow)
    with pytest.raises(InputError, match=r"grown.keras: its layers are larger than the weights that it stores"):
        load_generator(path)


@pytest.mark.parametrize("gigabytes", [1, 3, 10**6])
def test_weights_that_are_declared_and_not_stored(generator, gigabytes, tmp_path):
    content = declare_weights(gigabytes)
    path = write_keras(tmp_path / "declared.keras", generator, weights=content)
    with pytest.raises(InputError, match=r"declares .* GB of weights, which it does not store"):
        load_generator(path)
    (tmp_path / "declared.weights.h5").write_bytes(content)
    with pytest.raises(InputError, match=r"declared.weights.h5: declares .* GB of weights"):
        build_generator("mobilenet_v2", (32, 32, 3), tmp_path / "declared.weights.h5")


@pytest.mark.parametrize("member", ["model.weights.h5", "config.json", "assets/notes"])
def test_keras_file_that_inflates_to_gigabytes(member, tmp_path, monkeypatch):
    monkeypatch.setenv("SALGAN_TF_MEMORY_GB", "0.5")
    path = write_zeros(tmp_path / "zeros.keras", member, 600_000_000)
    with pytest.raises(InputError, match=r"needs 1.2 GB of memory and the limit is 0.5 GB"):
        load_generator(path)


def build_odd(shape: tuple, channels: int = 1, dtype: str = "float32", end=lambda x: x) -> keras.Model:
    """Build a model of one convolution whose ends are odd."""
    image = keras.Input(batch_shape=shape, dtype=dtype)
    return keras.Model(image, end(keras.layers.Conv2D(channels, 1)(image)))


KERNEL = "layers/conv2d/vars/0"
# What may stand in place of a kernel, given its file, the kernel, and a file beside it that has it too.
ODD_KERNELS = {
    "external storage": lambda file, kernel, beside: file.create_dataset(
        KERNEL, kernel.shape, "<f4", external=[(str(beside), 0, kernel.nbytes)]
    ),
    "external link": lambda file, kernel, beside: file.__setitem__(KERNEL, h5py.ExternalLink(beside, KERNEL)),
    "soft link": lambda file, kernel, beside: file.__setitem__(KERNEL, h5py.SoftLink("/elsewhere")),
    "virtual": lambda file, kernel, beside: file.create_virtual_dataset(
        KERNEL, h5py.VirtualLayout(kernel.shape, "<f4")
    ),
    "complex": lambda file, kernel, beside: file.create_dataset(KERNEL, data=kernel * (1 + 1j)),
    "reference": lambda file, kernel, beside: file.create_dataset(
        KERNEL, data=np.array(file.ref), dtype=h5py.ref_dtype
    ),
    "nothing": lambda file, kernel, beside: None,
}


@pytest.mark.parametrize("kind", ODD_KERNELS)
def test_weights_that_are_not_arrays_of_real_numbers_are_refused(kind, tmp_path):
    model, path, beside = build_odd((None, 32, 32, 3)), tmp_path / "odd.weights.h5", tmp_path / "beside.h5"
    model.save_weights(path)
    shutil.copy(path, beside)
    with h5py.File(path, "a") as file:
        kernel = file[KERNEL][()]
        del file[KERNEL]
        ODD_KERNELS[kind](file, kernel, beside)
    causes = {"complex": "complex numbers", "reference": "or objects", "nothing": "objects could not be loaded"}
    for load, given in (
        (lambda path: load_weights_file(model, path), path),
        (load_generator, write_keras(tmp_path / "odd.keras", model, weights=path.read_bytes())),
    ):
        with pytest.raises(InputError, match=causes.get(kind, "links, which may lead to other files")) as caught:
            load(given)
        assert caught.value.subject == str(given)


@pytest.mark.parametrize("name", ["../../evil.txt", "assets/../../evil.txt", "/evil.txt"])
def test_members_that_lead_out_of_an_archive_are_refused(name, tmp_path):
    path = write_keras(tmp_path / "evil.keras", build_odd((None, 32, 32, 3)))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, "evil")
    with pytest.raises(InputError, match=f"contains {name}, which leads out of the archive"):
        load_generator(path)


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ({"shape": (2, 32, 32, 3)}, "maps (2, 32, 32, 3)"),
        ({"shape": (None, 32, 32, 4)}, "maps (any, 32, 32, 4)"),
        ({"shape": (None, 32, 32, 3), "channels": 2}, "to (any, 32, 32, 2)"),
        ({"shape": (None, None, None, 3)}, "any size"),
        ({"shape": (None, 32, 32, 3), "dtype": "int32"}, "maps int32"),
        ({"shape": (None, 32, 32, 3), "end": lambda x: keras.ops.cast(x, "bool")}, "to bool"),
        ({"shape": (None, 32, 32, 3), "end": lambda x: {"map": x}}, "one array"),
        ({"shape": (None, 32, 32, 3), "end": lambda x: [x, x]}, "one array"),
        ({"shape": (None, 32, 32, 3), "end": keras.layers.MaxPooling2D()}, "to (any, 16, 16, 1)"),
        ({"shape": (None, 10**5, 10**5, 3)}, "GB of memory"),
    ],
)
def test_odd_models_are_refused(options, cause, tmp_path):
    model = build_odd(**options)
    model.save(tmp_path / "odd.keras")
    for load, given in ((load_generator, tmp_path / "odd.keras"), (SaliencyPredictor, model)):
        with pytest.raises(InputError) as caught:
            load(given)
        assert cause in str(caught.value)


# === No files ===


@pytest.mark.parametrize("ending", [".npz", ".keras", ".weights.h5", ".tflite"])
@pytest.mark.parametrize("kind", [*UNREADABLE, "missing", "empty", "text", "name"])
def test_paths_that_are_no_files_of_weights(ending, kind, tmp_path):
    path = tmp_path / f"weights{ending}"
    if kind in UNREADABLE:
        UNREADABLE[kind][0](path)
    elif kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("weights" * 100)
    elif kind == "name":
        path = tmp_path / f"{'x' * 300}{ending}"
    with pytest.raises(InputError) as caught:
        build_generator("mobilenet_v2", (32, 32, 3), path)
    assert str(path) in str(caught.value)
