"""The int8 files of the bundled model at its own size, made with the defaults: what most users export first."""

import json

from networks import ignore_statistics

from salgan_tf.__main__ import main


@ignore_statistics
def test_int8_files_of_the_bundled_model_are_within_their_limits(tmp_path, capsys):
    """Generated pictures calibrate every int8 format well enough."""
    assert main(["export", "--int8", "--tensorrt", "--out", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    for ending in ("int8", "int8_qdq"):
        report = json.loads((tmp_path / f"salgan_mobilenet_v2_256x320_{ending}.report.json").read_text())
        assert "generated" in report["calibration"]
        assert (report["parity"]["pictures"], report["parity"]["failures"]) == (32, [])
