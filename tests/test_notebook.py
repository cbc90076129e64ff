"""The notebook runs from the first cell to the last, and its outputs are those of a complete run."""

from pathlib import Path

import nbformat
from conftest import write_salicon
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "train_salgan.ipynb"


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(notebook: nbformat.NotebookNode) -> str:
    return "".join(output.get("text", "") for cell in code_cells(notebook) for output in cell.outputs)


def test_it_runs_from_data_to_int8(tmp_path, monkeypatch):
    tiny = {"HEIGHT": 32, "WIDTH": 32, "BATCH": 2, "EPOCHS": 1, "GAN_EPOCHS": 1, "INIT": "none"}
    for name, value in (tiny | {"DATA": write_salicon(tmp_path / "data"), "OUT": tmp_path / "out"}).items():
        monkeypatch.setenv(f"SALGAN_{name}", str(value))
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    assert (tmp_path / "out" / "salgan_mobilenet_v2_32x32_int8.tflite").exists()
    text = printed(notebook)
    for line in ("val_cc", "centre prior", "humans", "edge (bundled)", "CC to Keras"):
        assert line in text


def test_its_outputs_are_from_a_single_run():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3
    # The run was on real data, not on the tiny data set of the tests.
    assert "1100 photographs" in printed(notebook)
