"""Films in, films of their saliency out: frames, times and sound; bad films; what is never overwritten."""

import os
import signal
import socket

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from conftest import UNREADABLE, names_in, render_photograph, save_picture
from films import RATE, read_frames, read_sound, render_frames, write_film, write_sound

from salgan_tf import InputError, SaliencyPredictor, camera, images, predict_video, visualization
from salgan_tf.film import FilmSettings
from salgan_tf.frames import Frame, predict_frames, to_planes
from salgan_tf.video import Film
from salgan_tf.video_writer import FilmWriter


@pytest.fixture(scope="module")
def predictor() -> SaliencyPredictor:
    # As the threads of a film have it.
    return SaliencyPredictor(threads=1)


def difference(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first.astype(float) - second).mean())


def test_a_film_becomes_films_of_its_overlays_and_maps_and_keeps_its_sound(run, predictor, tmp_path):
    frames = render_frames(12)
    film = write_film(tmp_path / "clip.mkv", frames, sound="aac")
    outcome = run("predict", film, "--out", tmp_path / "out", "--maps")
    assert (outcome.code, outcome.lines) == (0, [])
    assert outcome.output == f"1 of 1 predicted, see {tmp_path / 'out'}\n"
    assert names_in(tmp_path / "out") == ["clip_overlay.mp4", "clip_saliency.mkv"]
    maps = [predictor(frame) for frame in frames]
    times, levels = read_frames(tmp_path / "out" / "clip_saliency.mkv")
    np.testing.assert_array_equal(levels, [images.to_levels(saliency) for saliency in maps])
    np.testing.assert_allclose(times, np.arange(12) / RATE, atol=1e-3)
    times, overlays = read_frames(tmp_path / "out" / "clip_overlay.mp4")
    np.testing.assert_allclose(times, np.arange(12) / RATE, atol=1e-3)
    for drawn, frame, saliency in zip(overlays, frames, maps, strict=True):
        assert difference(drawn, visualization.overlay(frame, saliency)) < 6
        assert difference(drawn, frame) > 12
    heard, copied = read_sound(film), read_sound(tmp_path / "out" / "clip_overlay.mp4")
    assert [content for _, content in copied] == [content for _, content in heard]
    np.testing.assert_allclose([time for time, _ in copied], [time for time, _ in heard], atol=2e-3)


@pytest.mark.parametrize(
    ("shape", "pixels", "properties", "matrix"),
    [
        ((60, 80), "yuv420p", {"colorspace": Colorspace.ITU709}, "ITU709"),
        ((60, 80), "yuv420p", {"colorspace": Colorspace.ITU601}, "ITU601"),
        ((60, 80), "yuv420p", {}, "ITU601"),
        ((720, 1280), "yuv420p", {}, "ITU709"),
        ((60, 80), "yuv444p", {"colorspace": Colorspace.ITU709, "color_range": ColorRange.JPEG}, "ITU709"),
        ((60, 80), "yuv420p10le", {"colorspace": 9}, "ITU709"),
        ((61, 83), "yuv420p", {"colorspace": Colorspace.ITU601}, "ITU601"),
    ],
)
def test_frames_are_drawn_over_as_photographs_in_the_matrix_of_their_film(
    predictor, tmp_path, shape, pixels, properties, matrix
):
    # All colours of the rainbow, since greys are the same in every matrix.
    picture = cv2.resize(visualization.overlay_palette(), shape[::-1])
    film = write_film(tmp_path / "clip.mkv", [picture], "ffv1", pixels, **properties)
    with Film(film, lambda remark: None) as opened:
        assert (opened.shape, opened.matrix) == (shape, matrix)
        frame = next(opened.read())
        saliency = predictor(frame.image)
        with FilmWriter(tmp_path / "drawn.mp4", shape, RATE, opened.matrix) as writer:
            palette = writer.convert(visualization.overlay_palette())
            writer.write(visualization.overlay_planes(frame.planes(), saliency, palette), 0)
    _, (drawn,) = read_frames(tmp_path / "drawn.mp4")
    expected = visualization.overlay(frame.image, saliency)
    assert difference(drawn[: shape[0], : shape[1]], expected) < 4
    assert np.abs(drawn[: shape[0], : shape[1]].mean(axis=(0, 1)) - expected.mean(axis=(0, 1))).max() < 2.5


def test_predict_video_gives_times_and_the_maps_of_the_predictor(predictor, tmp_path):
    frames = render_frames(5)
    times, maps = zip(*predict_video(write_film(tmp_path / "clip.mkv", frames), predictor), strict=True)
    np.testing.assert_allclose(times, np.arange(5) / RATE, atol=1e-3)
    np.testing.assert_array_equal(maps, [predictor(frame) for frame in frames])


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "shape"),
    [
        ("odd.mkv", "ffv1", "bgr0", (61, 83)),
        ("tiny.mkv", "ffv1", "bgr0", (1, 1)),
        ("ten.mkv", "ffv1", "yuv420p10le", (60, 80)),
        ("ten.mp4", "libx265", "yuv420p10le", (64, 80)),
        ("full.avi", "mjpeg", "yuvj420p", (60, 80)),
        ("grey.mov", "prores_ks", "yuv422p10le", (60, 80)),
        ("web.webm", "libvpx-vp9", "yuva420p", (60, 80)),
        ("stream.ts", "mpeg2video", "yuv420p", (60, 80)),
        ("disc.mpg", "mpeg1video", "yuv420p", (60, 80)),
        ("phone.3gp", "mpeg4", "yuv420p", (60, 80)),
    ],
)
def test_films_of_every_kind_are_read(run, tmp_path, name, codec, pixels, shape):
    frames = render_frames(6, shape) if shape != (1, 1) else [np.full((1, 1, 3), 99, np.uint8)] * 6
    film = write_film(tmp_path / name, frames, codec, pixels, rate=25)
    outcome = run("predict", film, "--out", tmp_path / "out", "--maps")
    assert (outcome.code, outcome.lines) == (0, [])
    _, levels = read_frames(tmp_path / "out" / f"{film.stem}_saliency.mkv")
    assert [frame.shape for frame in levels] == [shape] * 6
    _, overlays = read_frames(tmp_path / "out" / f"{film.stem}_overlay.mp4")
    # H.264 has even sides.
    assert {frame.shape for frame in overlays} == {(shape[0] + shape[0] % 2, shape[1] + shape[1] % 2, 3)}


# The first four numbers of the matrix in an MP4's track, and the view that they stand for.
@pytest.mark.parametrize(
    ("matrix", "turn"),
    [
        ((1, 0, 0, 1), lambda frame: frame),
        ((0, 1, -1, 0), lambda frame: np.rot90(frame, -1)),
        ((-1, 0, 0, -1), lambda frame: np.rot90(frame, 2)),
        ((0, -1, 1, 0), lambda frame: np.rot90(frame, 1)),
        ((-1, 0, 0, 1), lambda frame: frame[:, ::-1]),
        ((0, 1, 1, 0), lambda frame: frame.swapaxes(0, 1)),
    ],
    ids=["upright", "right", "upside down", "left", "mirrored", "transposed"],
)
def test_frames_are_turned_upright(run, predictor, tmp_path, matrix, turn):
    film = write_film(tmp_path / "clip.mp4", render_frames(3), "mpeg4", "yuv420p")
    _, stored = read_frames(film)
    content = film.read_bytes()
    place = content.index(b"tkhd") + 44
    a, b, c, d = (int(value * 2**16).to_bytes(4, "big", signed=True) for value in matrix)
    zero = bytes(4)
    film.write_bytes(content[:place] + a + b + zero + c + d + zero + content[place + 24 :])
    (_, saliency), *_ = predict_video(film, predictor)
    np.testing.assert_array_equal(saliency, predictor(np.ascontiguousarray(turn(stored[0]))))
    assert run("predict", film, "--out", tmp_path / "out").code == 0
    _, (drawn, *_) = read_frames(tmp_path / "out" / "clip_overlay.mp4")
    assert drawn.shape == turn(stored[0]).shape


def test_the_times_of_a_variable_rate_are_kept(run, tmp_path):
    times = [0.0, 0.1, 0.11, 0.5, 0.52, 1.3]
    film = write_film(tmp_path / "clip.mkv", render_frames(6), times=times)
    assert run("predict", film, "--out", tmp_path / "out", "--maps").code == 0
    for name in ("clip_overlay.mp4", "clip_saliency.mkv"):
        np.testing.assert_allclose(read_frames(tmp_path / "out" / name)[0], times, atol=1e-3)


def test_the_times_of_joined_films_go_on(run, tmp_path):
    first = write_film(tmp_path / "first.ts", render_frames(50), "mpeg2video", "yuv420p", sound="mp2", rate=25)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(first.read_bytes() * 3)
    times = [time for time, _ in predict_video(joined)]
    assert len(times) == 150
    # The sound of a part is a little longer than its pictures.
    assert np.diff(times).min() > 0.03
    assert np.diff(times).max() < 0.15
    outcome = run("predict", joined, "--out", tmp_path / "out")
    assert (outcome.code, outcome.lines) == (0, [])
    written, _ = read_frames(tmp_path / "out" / "joined_overlay.mp4")
    np.testing.assert_allclose(written, times, atol=1e-3)
    heard = read_sound(tmp_path / "out" / "joined_overlay.mp4")
    assert [content for _, content in heard] == [content for _, content in read_sound(first)] * 3
    assert np.diff([time for time, _ in heard]).min() > 0
    # In step with the pictures.
    assert abs(heard[-1][0] - written[-1]) < 0.15


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--from", 0.5), range(5, 20)),
        (("--to", 0.5), range(5)),
        (("--from", 0.3, "--to", 1.2, "--every", 4), (3, 7, 11)),
        (("--every", 100), (0,)),
        (("--to", 1000), range(20)),
    ],
)
def test_a_part_of_a_film_begins_at_0_with_its_sound(run, predictor, tmp_path, options, expected):
    film = write_film(tmp_path / "clip.mp4", render_frames(20), "libx264", "yuv420p", sound="aac")
    outcome = run("predict", film, "--out", tmp_path / "out", "--maps", *options)
    assert (outcome.code, outcome.lines) == (0, [])
    _, stored = read_frames(film)
    times, levels = read_frames(tmp_path / "out" / "clip_saliency.mkv")
    start = options[1] if "--from" in options else 0
    np.testing.assert_allclose(times, np.array(expected) / RATE - start, atol=1e-3)
    np.testing.assert_array_equal(levels, [images.to_levels(predictor(stored[index])) for index in expected])
    stop = options[options.index("--to") + 1] if "--to" in options else 1000
    heard = [content for time, content in read_sound(film) if (time >= start or not start) and time < stop]
    assert [content for _, content in read_sound(tmp_path / "out" / "clip_overlay.mp4")] == heard


@pytest.mark.parametrize("ending", ["ts", "mp4", "flv"])
def test_a_part_has_all_of_its_frames_in_containers_that_go_to_any_packet(tmp_path, ending):
    path = write_film(tmp_path / f"long.{ending}", render_frames(40), codec="libx264", pixels="yuv420p", rate=25)
    times = [time for time, _ in predict_video(path)]
    for start in (0.5, 1.1):
        part = [time for time, _ in predict_video(path, start=start)]
        assert part == pytest.approx([time for time in times if time >= start])


def test_sound_without_a_place_in_mp4_is_left_out_and_named(run, tmp_path):
    film = write_film(tmp_path / "clip.avi", render_frames(3), "mpeg4", "yuv420p", sound="adpcm_ms")
    outcome = run("predict", film, "--out", tmp_path / "out")
    assert (outcome.code, outcome.lines) == (
        0,
        [f"salgan_tf: {film}: its sound (adpcm_ms) has no place in MP4 and was left out"],
    )
    with av.open(str(tmp_path / "out" / "clip_overlay.mp4")) as result:
        assert not result.streams.audio


@pytest.mark.parametrize(("transfer", "level"), [(ColorTrc.SMPTE2084, 0.58), (ColorTrc.ARIB_STD_B67, 0.75)])
def test_white_of_a_high_dynamic_range_is_white(run, tmp_path, transfer, level):
    # Reference white, 203 candela per square metre, by BT.2408.
    grey = np.full((64, 64, 3), round(255 * level), np.uint8)
    film = write_film(
        tmp_path / "clip.mkv",
        [grey] * 2,
        "ffv1",
        "yuv420p10le",
        color_trc=transfer,
        color_primaries=ColorPrimaries.BT2020,
    )
    outcome = run("predict", film, "--out", tmp_path / "out")
    name = "PQ" if transfer == ColorTrc.SMPTE2084 else "HLG"
    (line,) = outcome.lines
    assert line.startswith(f"salgan_tf: {film}: high dynamic range ({name}): shown as sRGB")
    with Film(film, lambda remark: None) as opened:
        frame = next(opened.read())
        assert frame.image.min() > 245
        assert frame.planes()[0].min() > 225


def write_bad(path, kind):
    """Write something that is called a film."""
    if kind == "text":
        path.write_text("This is no film.\n" * 50)
    elif kind == "picture":
        save_picture(path.with_suffix(".png"), render_photograph(0))
        path.with_suffix(".png").rename(path)
    elif kind == "sound alone":
        write_sound(path)
    elif kind == "no frames":
        write_film(path, [], "mpeg4", "yuv420p")
    elif kind == "encrypted":
        secret = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "ab" * 16, "encryption_kid": "cd" * 16}
        write_film(path, render_frames(3), "libx264", "yuv420p", options=secret)
    elif kind == "truncated":
        write_film(path, render_frames(9), "libx264", "yuv420p")
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif kind == "empty":
        path.touch()
    elif kind in UNREADABLE:
        UNREADABLE[kind][0](path)


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("text", "not a film, or damaged: "),
        ("picture", "not a film, or damaged: "),
        ("sound alone", "has sound but no pictures"),
        ("no frames", ""),
        ("encrypted", "none of its frames can be decoded: "),
        ("truncated", "not a film, or damaged: "),
        ("empty", "is empty"),
        ("missing", "No such file or directory"),
        ("pipe", "not a regular file"),
        ("device", "not a regular file"),
        ("sparse terabyte", "not a film, or damaged: "),
    ],
)
def test_bad_films_are_named_and_the_others_predicted(run, tmp_path, kind, cause):
    bad, good = tmp_path / "bad.mp4", write_film(tmp_path / "good.mkv", render_frames(2))
    write_bad(bad, kind)
    outcome = run("predict", bad, good, "--out", tmp_path / "out")
    (line,) = outcome.lines
    assert line.startswith(f"salgan_tf: {bad}: {cause}")
    assert outcome.code == 1
    assert outcome.output.startswith("1 of 2 predicted")
    assert names_in(tmp_path / "out") == ["good_overlay.mp4"]


# Lists of other files and addresses, under the name of a film.
PLAYLISTS = {
    "HLS": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{target}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile '{target}'\n",
    "SDP": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    "DASH": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT9S"><Period><AdaptationSet contentType="video"><Representation id="1" '
    'bandwidth="1"><BaseURL>{target}</BaseURL></Representation></AdaptationSet></Period></MPD>',
    "ASX": '<asx version="3.0"><entry><ref href="{target}"/></entry></asx>',
    "RTSP": "[Reference]\nRef1={target}\n",
}


@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("remote", [False, True], ids=["file", "address"])
def test_a_playlist_opens_no_other_file_and_no_address(run, tmp_path, kind, remote):
    film = write_film(tmp_path / "private.ts", render_frames(3), "mpeg4", "yuv420p")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/film.ts"
        lists = [tmp_path / "list.mp4", tmp_path / "list.ts"]
        for path in lists:
            path.write_text(PLAYLISTS[kind].format(target=address if remote else film))
        outcome = run("predict", *lists, "--out", tmp_path / "out")
        for path, line in zip(lists, outcome.lines, strict=True):
            assert line.startswith(f"salgan_tf: {path}: not a film, or damaged: ")
        with pytest.raises(TimeoutError):
            server.accept()
    assert names_in(tmp_path) == ["list.mp4", "list.ts", "private.ts"]


def test_a_film_that_ends_early_is_predicted_as_far_as_it_goes_and_named(run, tmp_path):
    film = write_film(tmp_path / "clip.mp4", render_frames(20), "mpeg4", "yuv420p", options={"movflags": "faststart"})
    film.write_bytes(film.read_bytes()[: -film.stat().st_size // 5])
    outcome = run("predict", film, "--out", tmp_path / "out")
    assert outcome.code == 0
    assert outcome.lines[-1].startswith(f"salgan_tf: {film}: ends after ")
    assert 5 < len(read_frames(tmp_path / "out" / "clip_overlay.mp4")[1]) < 20


def test_frames_that_cannot_be_decoded_are_left_out_and_counted(run, tmp_path):
    film = write_film(tmp_path / "clip.mp4", render_frames(20), "libx264", "yuv420p")
    with av.open(str(film)) as opened:
        last = [packet for packet in opened.demux(video=0) if packet.size][-1]
        place, size = last.pos, last.size
    content = bytearray(film.read_bytes())
    content[place : place + size] = b"\xff" * size
    film.write_bytes(content)
    outcome = run("predict", film, "--out", tmp_path / "out")
    assert (outcome.code, outcome.lines) == (0, [f"salgan_tf: {film}: damaged: 1 of its frames left out"])
    assert len(read_frames(tmp_path / "out" / "clip_overlay.mp4")[1]) == 19


def test_a_part_behind_the_end_is_named(run, tmp_path):
    film = write_film(tmp_path / "clip.mkv", render_frames(3))
    outcome = run("predict", film, "--out", tmp_path / "out", "--from", 20)
    cause = f"salgan_tf: {film}: has no frame from second 20 on: it lasts 0.3 seconds"
    assert (outcome.code, outcome.lines, names_in(tmp_path)) == (1, [cause], ["clip.mkv"])


def test_frames_above_the_limit_of_memory_are_refused(run, tmp_path, monkeypatch):
    film = write_film(tmp_path / "clip.mkv", render_frames(2, (300, 400)))
    monkeypatch.setenv("SALGAN_TF_MEMORY_GB", "0.01")
    outcome = run("predict", film, "--out", tmp_path / "out", "--model", "edge")
    (line,) = outcome.lines
    assert "needs 0.1 GB of memory and the limit is 0.01 GB" in line


def test_no_input_and_no_result_is_overwritten(run, tmp_path):
    clip = write_film(tmp_path / "clip.mkv", render_frames(2))
    shown = write_film(tmp_path / "clip_overlay.mp4", render_frames(2), "mpeg4", "yuv420p")
    before = shown.read_bytes()
    outcome = run("predict", clip, shown, "--out", tmp_path)
    (line,) = outcome.lines
    assert line == f"salgan_tf: {clip}: its results would overwrite {shown}, another input: use another folder"
    assert outcome.code == 1
    assert shown.read_bytes() == before
    (tmp_path / "other").mkdir()
    other = write_film(tmp_path / "other" / "clip.mkv", render_frames(4))
    outcome = run("predict", clip, other, clip, "--out", tmp_path / "out")
    (line,) = outcome.lines
    cause = f"its results would overwrite those of {clip}: rename one, or use another folder"
    assert line == f"salgan_tf: {other}: {cause}"
    assert outcome.output.startswith("1 of 2 predicted")
    assert len(read_frames(tmp_path / "out" / "clip_overlay.mp4")[1]) == 2


def test_results_of_an_earlier_call_are_skipped(run, tmp_path):
    write_film(tmp_path / "clip.mkv", render_frames(2))
    run("predict", *tmp_path.iterdir(), "--out", tmp_path, "--maps")
    outcome = run("predict", *sorted(tmp_path.iterdir()), "--out", tmp_path, "--maps")
    assert (outcome.code, outcome.lines) == (0, [f"salgan_tf: {tmp_path}: 2 results of an earlier call skipped"])
    assert outcome.output == f"1 of 1 predicted, see {tmp_path}\n"
    assert names_in(tmp_path) == ["clip.mkv", "clip_overlay.mp4", "clip_saliency.mkv"]
    # Elsewhere they are films like others.
    outcome = run("predict", tmp_path / "clip_overlay.mp4", "--out", tmp_path / "out")
    assert (outcome.code, names_in(tmp_path / "out")) == (0, ["clip_overlay_overlay.mp4"])


def test_a_photograph_never_overwrites_a_film_through_a_link(run, tmp_path):
    clip = write_film(tmp_path / "clip.mkv", render_frames(2))
    save_picture(tmp_path / "a.png", render_photograph(0))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a_saliency.png").symlink_to(clip)
    before = clip.read_bytes()
    outcome = run("predict", tmp_path / "a.png", clip, "--out", tmp_path / "out")
    assert f"its results would overwrite {clip}, another input" in outcome.lines[0]
    assert clip.read_bytes() == before


def test_films_in_folders_are_taken_by_name_only(run, tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    clip = write_film(folder / "clip.mkv", render_frames(2))
    outcome = run("predict", folder, "--out", tmp_path / "out")
    cause = "no pictures in this folder; its films are predicted if they are given by name"
    assert (outcome.code, outcome.lines) == (1, [f"salgan_tf: {folder}: {cause}"])
    save_picture(folder / "photograph.png", render_photograph(0))
    outcome = run("predict", folder, clip, "--out", tmp_path / "out")
    assert outcome.lines == [f"salgan_tf: {folder}: 1 file is not a picture and was skipped"]
    assert outcome.output.startswith("2 of 2 predicted")


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("photograph.png --maps", "--maps requires a film or --camera"),
        ("photograph.png --every 2", "--every requires a film or --camera"),
        ("photograph.png --from 0", "--from requires a film or --camera"),
        ("photograph.png --smooth 1", "--smooth requires a film or --camera"),
        ("clip.mp4 photograph.png --regions r.json", "--regions is for photographs, and clip.mp4 is a film"),
        ("clip.mp4 --max-side 100", "--max-side is for photographs, and clip.mp4 is a film"),
        ("clip.mp4 --from 2 --to 1", "--to must be after --from"),
        ("clip.mp4 --every 0", "argument --every: '0' is not a whole number above 0"),
        ("clip.mp4 --camera 0", "--camera and PATH exclude each other"),
        ("--camera 0 --from 2", "--camera and --from exclude each other"),
        ("--camera 0 --regions r.json", "--camera and --regions exclude each other"),
        ("", "expected a PATH or --camera"),
    ],
)
def test_options_that_have_no_effect_are_errors_of_usage(run, capsys, words, cause):
    with pytest.raises(SystemExit) as exit:
        run("predict", *words.split(), "--out", "out")
    assert exit.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith(f"error: {cause}")


@pytest.mark.parametrize(
    "settings",
    [
        {"every": 0},
        {"every": 1.5},
        {"start": -1},
        {"start": 2, "stop": 1},
        {"smooth": float("nan")},
        {"stop": float("inf")},
    ],
)
def test_numbers_without_a_sense_are_refused(settings):
    # At once, and not when the first frame is asked for.
    with pytest.raises(InputError, match="not a "):
        predict_video("clip.mkv", **settings)


def test_settings_that_write_nothing_are_refused():
    with pytest.raises(InputError, match="nothing is to be written"):
        FilmSettings(overlay=False)


def test_no_overlay_writes_the_maps_alone(run, tmp_path):
    film = write_film(tmp_path / "clip.mkv", render_frames(2), sound="aac")
    outcome = run("predict", film, "--out", tmp_path / "out", "--no-overlay")
    assert (outcome.code, outcome.lines, names_in(tmp_path / "out")) == (0, [], ["clip_saliency.mkv"])


def test_ctrl_c_leaves_nothing_of_a_film(run, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    film = write_film(tmp_path / "clip.mkv", render_frames(9))
    monkeypatch.setattr(images, "to_levels", interrupt)
    assert run("predict", film, "--out", tmp_path / "out", "--maps").code == 130
    assert names_in(tmp_path) == ["clip.mkv"]


def test_maps_are_averaged_over_time_and_anew_after_a_cut():
    dark, bright = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 255, np.uint8)
    values = iter([0.0, 1.0, 1.0, 0.5, 0.7])
    scenes = [(0, dark), (0.5, dark + 10), (1.5, dark), (1.6, bright), (1.7, dark)]
    frames = [Frame(time, image, lambda: to_planes(bright)) for time, image in scenes]
    pairs = predict_frames(frames, lambda image: np.full((8, 8), next(values), np.float32), 1, smooth=0.5)
    found = [float(saliency[0, 0]) for _, saliency in pairs]
    first = 1 - np.exp(-1)
    np.testing.assert_allclose(found, [0, first, 1 - (1 - first) * np.exp(-2), 0.5, 0.7], atol=1e-6)


class FakeCamera:
    """Stands in for OpenCV's VideoCapture: nine frames, then Ctrl-C or the end."""

    def __init__(self, interrupted: bool, there: bool = True):
        self.frames, self.interrupted, self.there = render_frames(9), interrupted, there

    def isOpened(self):
        return self.there

    def read(self):
        if self.frames:
            return True, self.frames.pop(0)[..., ::-1]
        if self.interrupted:
            self.interrupted = False
            os.kill(os.getpid(), signal.SIGINT)
            return True, render_frames(1)[0]
        return False, None

    def get(self, _):
        return 30.0

    def release(self):
        self.frames = []


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_camera_is_recorded_until_its_end_or_ctrl_c(run, tmp_path, monkeypatch, interrupted):
    # Tests that run in the background inherit that Ctrl-C is ignored.
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(camera.cv2, "VideoCapture", lambda *_: FakeCamera(interrupted))
    outcome = run("predict", "--camera", 0, "--out", tmp_path / "out", "--maps")
    assert (outcome.code, outcome.lines) == (0, [])
    overlay, maps = names_in(tmp_path / "out")
    assert overlay.startswith("camera_0_2")
    assert maps.endswith("_saliency.mkv")
    # The first frame has told their size.
    assert len(read_frames(tmp_path / "out" / overlay)[1]) == 8 + interrupted
    assert signal.getsignal(signal.SIGINT) is before


def test_a_camera_that_is_not_there_is_named(run, tmp_path):
    outcome = run("predict", "--camera", 99, "--out", tmp_path / "out")
    cause = "salgan_tf: camera 99: is not there, or cannot be opened"
    assert (outcome.code, outcome.output, outcome.lines) == (1, "", [cause])
    assert names_in(tmp_path) == []
