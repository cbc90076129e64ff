"""What the kit may lean on: its own files, Python 3.10 (JetPack 6 has no later one), and a few packages."""

import ast
import sys

import numpy as np
import pytest
from conftest import render_photograph
from kit_runner import KIT

from salgan_tf import images, visualization

ALLOWED = {
    "saliency_pictures.py": {"numpy", "cv2"},
    "litert/run.py": {"numpy", "ai_edge_litert", "saliency_pictures"},
    "jetson/build_engine.py": {"tensorrt", "saliency_pictures"},
    "jetson/engine.py": {"numpy", "tensorrt", "cuda", "saliency_pictures"},
    "jetson/run_engine.py": {"numpy", "cv2", "engine", "saliency_pictures"},
}


def imported(source: str) -> set[str]:
    """Find the packages that a source imports anywhere in it, without Python's own."""
    names = set()
    for node in ast.walk(ast.parse(source, feature_version=(3, 10))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." if node.level else node.module.split(".")[0])
    return names - sys.stdlib_module_names


def test_the_kit_imports_what_a_device_has():
    sources = {str(path.relative_to(KIT)): path.read_text() for path in KIT.rglob("*.py")}
    assert {name: imported(source) for name, source in sources.items()} == ALLOWED


def test_no_source_speaks_of_modules_by_name_only():
    for path in KIT.rglob("*.py"):
        assert "importlib" not in path.read_text()
        assert "__import__" not in path.read_text()


@pytest.fixture
def kit_pictures(monkeypatch):
    monkeypatch.syspath_prepend(KIT)
    import saliency_pictures

    return saliency_pictures


def test_drawing_is_the_packages(kit_pictures):
    photograph = render_photograph(0)
    saliency = np.random.default_rng(0).random((60, 80), np.float32) ** 4
    np.testing.assert_array_equal(
        kit_pictures.overlay(photograph, saliency), visualization.overlay(photograph, saliency)
    )
    for scale in (1, 0.01, 0):
        np.testing.assert_array_equal(kit_pictures.to_levels(saliency * scale), images.to_levels(saliency * scale))


def test_the_same_files_count_as_pictures(kit_pictures):
    assert set(kit_pictures.PICTURE_SUFFIXES) == images.PICTURE_SUFFIXES
