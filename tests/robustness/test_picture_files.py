"""Pictures of every kind and of hostile ones: read rightly, or refused in a line before they cost memory."""

import os
import socket
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import UNREADABLE, render_photograph
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tqdm import tqdm

from salgan_tf import images, inference, limits, visualization
from salgan_tf.errors import InputError
from salgan_tf.parallel import attempt_all


def refused(path: Path, cause: str) -> None:
    """Assert that reading the picture and its size fail with the cause."""
    for read in (images.read_image, images.read_size, images.read_grey):
        with pytest.raises(InputError, match=cause):
            read(path)


@pytest.mark.parametrize("kind", [*UNREADABLE, "file of /proc"])
def test_only_small_regular_files_are_read(tmp_path, kind):
    # It is regular and has no size; the kernel's log, /proc/kmsg, does not end.
    make, cause = UNREADABLE.get(kind, (lambda path: path.symlink_to("/proc/uptime"), "is empty"))
    make(tmp_path / "a.jpg")
    refused(tmp_path / "a.jpg", cause)


def test_sockets_are_not_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("a.jpg")
        refused(Path("a.jpg"), "not a regular file")


@pytest.mark.parametrize("name", ["n" * 300 + ".jpg", "null\0.jpg"])
def test_impossible_names_are_named(tmp_path, name):
    refused(tmp_path / name, "File name too long|null")
    with pytest.raises(InputError, match="cannot be written"):
        images.write_image(tmp_path / name, render_photograph(0))


def write_png(path: Path, width: int, height: int, stored: int, interlaced: bool = False) -> None:
    """Write a PNG that announces a size, with any number of bytes for its pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, interlaced)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(stored))), (b"IEND", b"")]
    content = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)


def test_a_picture_is_refused_before_it_takes_more_memory_than_the_limit(tmp_path, monkeypatch):
    # Nothing may get as far as its pixels.
    write_png(tmp_path / "bomb.png", 30000, 20000, 99)
    refused(tmp_path / "bomb.png", "needs 5.5 GB of memory and the limit is 2 GB")
    save = tmp_path / "good.png"
    Image.new("RGB", (100, 100)).save(save)
    monkeypatch.setenv(limits.VARIABLE, "0.00001")
    refused(save, "needs 0.1 GB of memory and the limit is 1e-05 GB")
    monkeypatch.setenv(limits.VARIABLE, "much")
    refused(save, "invalid value 'much'")


def write_tiff(path: Path, tags: list[tuple[int, int]], pixels: int = 0) -> None:
    """Write a TIFF of numbers, with its pixels, which are zeros, at byte 8."""
    entries = b"".join(struct.pack("<HHII", tag, 3, 1, value) for tag, value in tags)
    content = struct.pack("<I", 8 + pixels) + bytes(pixels) + struct.pack("<H", len(tags))
    path.write_bytes(b"II*\0" + content + entries + bytes(4))


# The tags of 8x8 pixels in grey, not compressed.
GREY = [(256, 8), (257, 8), (258, 8), (259, 1), (262, 1)]
# Bytes of the pixels of 8x8, and what writes so many or fewer.
ROWS = {
    "a.png": (200, lambda path, stored: write_png(path, 8, 8, stored)),
    "interlaced.png": (207, lambda path, stored: write_png(path, 8, 8, stored, interlaced=True)),
    "strips.tif": (64, lambda path, stored: write_tiff(path, [*GREY, (273, 8), (278, stored // 8)], stored)),
    "tiles.tif": (64, lambda path, stored: write_tiff(path, [*GREY, (322, 8), (323, stored // 8), (324, 8)], stored)),
}


def test_a_jpeg_of_too_many_scans_is_not_decoded(tmp_path):
    Image.new("L", (64, 64)).save(tmp_path / "a.jpg", progressive=True)
    content = (tmp_path / "a.jpg").read_bytes()
    assert images.read_image(tmp_path / "a.jpg").shape == (64, 64, 3)
    last = content.rindex(b"\xff\xda")
    (tmp_path / "a.jpg").write_bytes(content[:-2] + content[last:-2] * 1000 + content[-2:])
    with pytest.raises(InputError, match="more than 1000 scans"):
        images.read_image(tmp_path / "a.jpg")


@pytest.mark.parametrize("name", ROWS)
def test_a_picture_of_fewer_rows_than_it_says_is_not_read(tmp_path, name):
    needed, write = ROWS[name]
    write(tmp_path / name, needed)
    assert images.read_image(tmp_path / name).shape == (8, 8, 3)
    write(tmp_path / name, needed - 1)
    with pytest.raises(InputError, match="truncated: it has fewer rows than it says"):
        images.read_image(tmp_path / name)


def write_sequential(path: Path) -> None:
    """Write a JPEG whose first scan has one component, which only its start says."""
    Image.new("RGB", (200, 300)).save(path)
    content = bytearray(path.read_bytes())
    content[content.index(b"\xff\xda") + 4] = 1
    path.write_bytes(content)


def write_tile(path: Path) -> None:
    """Write the start of a TIFF of 200x300 in grey, whose only tile is 6000x160, deflated."""
    tags = [(256, 200), (257, 300), (258, 8), (259, 8), (262, 1), (277, 1), (322, 6000), (323, 160), (324, 8), (325, 9)]
    write_tiff(path, tags)


def write_strip(channels: int) -> Callable[[Path], None]:
    options = [cv2.IMWRITE_TIFF_COMPRESSION, 8, cv2.IMWRITE_TIFF_ROWSPERSTRIP, 300]
    return lambda path: cv2.imwrite(str(path), np.zeros((300, 200, channels), np.uint16), options)


# Bytes per pixel of pictures of 200x300, as they were measured at 200 megapixels.
COSTS = {
    "a.jpg": (9, lambda path: Image.new("RGB", (200, 300)).save(path)),
    "progressive.jpg": (10, lambda path: Image.new("RGB", (200, 300)).save(path, progressive=True)),
    "progressive CMYK.jpg": (12, lambda path: Image.new("CMYK", (200, 300)).save(path, progressive=True)),
    "component by component.jpg": (10, write_sequential),
    "strips.tif": (9, lambda path: Image.new("RGB", (200, 300)).save(path, compression="tiff_lzw", strip_size=4096)),
    "strip of 16 bits.tif": (10, write_strip(3)),
    "strip of 16 bits and transparency.tif": (12, write_strip(4)),
    "tile.tif": (20, write_tile),
}


@pytest.mark.parametrize("name", COSTS)
def test_memory_of_decoders_counts(tmp_path, monkeypatch, name):
    path, (cost, write) = tmp_path / name, COSTS[name]
    write(path)
    monkeypatch.setenv(limits.VARIABLE, str((cost - 0.1) * 6e4 / 1e9))
    refused(path, "GB of memory")
    # The file itself is in memory once or twice.
    monkeypatch.setenv(limits.VARIABLE, str((cost * 6e4 + 2 * path.stat().st_size + 1) / 1e9))
    assert images.read_size(path) == (300, 200)


def test_readers_in_threads_share_the_limit(tmp_path, monkeypatch):
    """Each picture takes more than half of the limit, so that never two are open at once."""
    for index in range(8):
        Image.new("RGB", (100, 100), (index, 0, 0)).save(tmp_path / f"{index}.png")
    monkeypatch.setenv(limits.VARIABLE, str(1.6 * 9e4 / 1e9))
    running = []

    def find_white(path, picture):
        running.append(path)
        assert len(running) == 1
        running.remove(path)
        return 65535

    monkeypatch.setattr(images, "_find_white", find_white)
    with tqdm(disable=True) as progress:
        found, errors = attempt_all(images.read_image, sorted(tmp_path.iterdir()), progress)
    assert errors == []
    assert [image[0, 0, 0] for image in found] == list(range(8))


def test_too_little_memory_for_an_input_does_not_end_the_batch():
    def use(path):
        if path.name == "b.jpg":
            raise MemoryError
        return path

    with tqdm(disable=True) as progress:
        found, (error,) = attempt_all(use, [Path("a.jpg"), Path("b.jpg"), Path("c.jpg")], progress)
    assert found == [Path("a.jpg"), Path("c.jpg")]
    assert str(error) == "b.jpg: there is not enough memory for it"


# Pillow passes the first three to other programs or libraries of the system.
@pytest.mark.parametrize(
    "content",
    [
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n",
        b"\xd7\xcd\xc6\x9a" + bytes(99),
    ],
    ids=["PostScript", "WMF"],
)
def test_formats_that_start_programs_are_not_pictures(tmp_path, content, monkeypatch):
    (tmp_path / "holiday.jpg").write_bytes(content)
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    (tmp_path / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    refused(tmp_path / "holiday.jpg", "not a picture, or in an unsupported format")
    assert not (tmp_path / "started").exists()


def test_a_heif_picture_without_its_extra_names_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr("salgan_tf.extras._is_installed", lambda module: False)
    (tmp_path / "IMG_0001.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(4) + b"mif1heic" + bytes(64))
    refused(tmp_path / "IMG_0001.HEIC", r"a HEIF picture requires pillow_heif: pip install 'salgan_tf\[heif\]'")
    assert ".heic" in images.picture_suffixes()


WRITABLE = (
    "a.jpg",
    "b.jpe",
    "c.ppm",
    "d.jp2",
    "e.tga",
    "f.mpo",
    "h.pgm",
    "i.j2k",
    "j.apng",
    "k.jfif",
    "l.webp",
    "m.AVIF",
)


def test_a_folder_is_read_like_its_pictures_and_the_rest_is_counted(tmp_path):
    picture = Image.fromarray(render_photograph(0))
    for name in WRITABLE:
        picture.save(tmp_path / name, "PNG" if name.endswith("apng") else None)
    for name in ("notes.txt", "b.ps", "noending", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "folder.xyz").mkdir()
    (tmp_path / "folder.xyz" / "deep.png").touch()
    remarks = []
    found = images.find_pictures(tmp_path, remarks.append)
    assert [path.name for path in found] == sorted(WRITABLE)
    assert [images.read_image(path).shape for path in found] == [(60, 80, 3)] * len(found)
    assert [str(remark) for remark in remarks] == [f"{tmp_path}: 3 files are not pictures and were skipped"]


RAMP = np.linspace(0, 1, 12 * 16).reshape(12, 16)
TIFFS = {
    "16 bits": (np.rint(RAMP * 65535).astype(np.uint16), {}, None),
    "16 bits, white is 0": (np.rint((1 - RAMP) * 65535).astype(np.uint16), {262: 0}, None),
    "8 bits, signed": (RAMP.astype(np.uint8), {339: 2}, "signed samples of 8 bits have no fixed white"),
    "32 bits": (np.rint(RAMP * 65535).astype(np.int32), {}, "samples of 32 bits have no fixed white"),
    "floating point": (RAMP.astype(np.float32), {}, "a floating-point picture has no fixed white"),
}


@pytest.mark.parametrize("kind", TIFFS)
def test_samples_of_other_formats_are_read_rightly_or_refused(tmp_path, kind):
    samples, tags, cause = TIFFS[kind]
    Image.fromarray(samples).save(tmp_path / "a.tif", tiffinfo=tags)
    if cause:
        for read in (images.read_image, images.read_grey):
            with pytest.raises(InputError, match=cause):
                read(tmp_path / "a.tif")
    else:
        np.testing.assert_allclose(images.read_grey(tmp_path / "a.tif"), RAMP, atol=1e-5)
        np.testing.assert_allclose(images.read_image(tmp_path / "a.tif")[..., 0], RAMP * 255, atol=0.6)


def write_twelve_bits(path: Path, levels: np.ndarray) -> None:
    """Write a TIFF with 12 bits per sample, two samples in three bytes."""
    pairs = levels.reshape(-1, 2).astype(int)
    packed = np.stack([pairs[:, 0] >> 4, (pairs[:, 0] & 15) << 4 | pairs[:, 1] >> 8, pairs[:, 1] & 255], -1)
    tags = [(256, levels.shape[1]), (257, levels.shape[0]), (258, 12), (259, 1), (262, 1), (273, 146), (277, 1)]
    tags += [(278, levels.shape[0]), (279, packed.size)]
    entries = b"".join(struct.pack("<HHII", tag, 4 if tag in (273, 279) else 3, 1, value) for tag, value in tags)
    header = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 0)
    path.write_bytes(header.ljust(146, b"\0") + packed.astype(np.uint8).tobytes())


def test_twelve_bits_have_their_own_white(tmp_path):
    write_twelve_bits(tmp_path / "a.tif", np.rint(RAMP * 4095))
    np.testing.assert_allclose(images.read_grey(tmp_path / "a.tif"), RAMP, atol=2e-4)


def test_native_lines_stay_away_from_stderr(tmp_path, capfd):
    Image.fromarray(render_photograph(0)).save(tmp_path / "a.tif", compression="tiff_lzw")
    content = bytearray((tmp_path / "a.tif").read_bytes())
    content[8:200] = bytes(192)
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(InputError):
        images.read_image(tmp_path / "a.tif")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("orientation", range(1, 9))
def test_bands_change_nothing_of_what_is_read(tmp_path, monkeypatch, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(render_photograph(0, (23, 31))).save(tmp_path / "a.png", exif=exif)
    whole = images.read_image(tmp_path / "a.png")
    monkeypatch.setattr(images, "_BAND_PIXELS", 100)
    np.testing.assert_array_equal(images.read_image(tmp_path / "a.png"), whole)


@given(seed=st.integers(0, 99), height=st.integers(1, 60), width=st.integers(1, 60), band=st.integers(1, 900))
def test_bands_change_nothing_of_what_is_written(seed, height, width, band):
    random = np.random.default_rng(seed)
    bright = random.random((height, width)) < random.choice([0.3, 0.01, 0.001])
    saliency = np.where(bright, 1, random.random((height, width)) * 0.001).astype(np.float32)
    image = random.integers(0, 256, (height, width, 3), np.uint8)
    blurred = cv2.GaussianBlur(saliency, (5, 5), 0)
    whole = images.to_levels(saliency), visualization.overlay(image, saliency)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(images, "_BAND_PIXELS", band)
        np.testing.assert_array_equal(images.to_levels(saliency), whole[0])
        np.testing.assert_array_equal(visualization.overlay(image, saliency, out=image), whole[1])
        inference._blur(saliency)
    np.testing.assert_array_equal(saliency, blurred)
