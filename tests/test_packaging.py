"""The wheel that `pip install .` builds contains the bundled model, which every prediction needs."""

import subprocess
import sys
import zipfile
from pathlib import Path

from salgan_tf.weights import BUNDLED

ROOT = Path(__file__).parents[1]


def test_wheel_ships_the_bundled_model_and_every_module(tmp_path):
    # Without isolation, which would download setuptools.
    options = ["--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", str(ROOT), *options], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        shipped = set(archive.namelist())
    assert {f"salgan_tf/weights/{name}" for name in (BUNDLED["edge"].file.name, "README.md")} <= shipped
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "salgan_tf").rglob("*.py")} <= shipped
