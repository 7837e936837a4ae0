"""Runs every notebook, writes it with its outputs to target/notebooks, and checks the outputs.

target/notebooks-venv/bin/python tests/notebooks/run.py [NAME…]
"""

import base64
import html
import io
import os
import re
import sys
from pathlib import Path

import matplotlib.image
import nbformat
import numpy as np
import pandas as pd
from nbclient import NotebookClient
from nbconvert import HTMLExporter

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "target/notebooks"
sys.path.insert(0, str(ROOT / "notebooks"))
from firn_notebook import look, pipeline  # noqa: E402


def text(notebook: nbformat.NotebookNode) -> str:
    """The text and HTML outputs of all cells, without tags."""
    shown = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            shown.append(data.get("text/html") or data.get("text/plain") or output.get("text", ""))
    return html.unescape(re.sub(r"<[^>]+>", " ", " ".join(shown)))


def charts(notebook: nbformat.NotebookNode) -> list[bytes]:
    """The charts of all cells, as PNG."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    found = [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    return [base64.b64decode(one) for one in found]


def has_colour(chart: bytes, colour: str) -> bool:
    """Whether any pixel of the chart has the colour, such as ``#2b6cb0``."""
    pixels = (matplotlib.image.imread(io.BytesIO(chart))[:, :, :3] * 255).round()
    return bool((pixels == np.frombuffer(bytes.fromhex(colour[1:]), np.uint8)).all(axis=2).any())


def number_after(label: str, shown: str) -> list[int]:
    """The integers after a label of a table."""
    found = re.search(re.escape(label) + r"((?:\s+-?\d+)+)", shown)
    assert found, f"no output with {label!r}"
    return [int(one) for one in found[1].split()]


def check_generate(notebook: nbformat.NotebookNode) -> None:
    shown = text(notebook)
    assert "(1000000, 13)" in shown, "a million customers"
    assert "True" in shown, "the same seed generates the same events"
    events = re.search(r"events\s+op\s+((?:[IUD]\s+\d+\s+){3})", shown)
    assert events, "events by op"
    assert sum(int(count) for count in re.findall(r"\d+", events[1])) == 1_000_000
    assert len(charts(notebook)) == 1


def check_pipeline(notebook: nbformat.NotebookNode) -> None:
    shown = text(notebook)
    assert number_after("rows_in - history - duplicates - rejects", shown) == [0]
    assert number_after("rows_in", shown)[0] > 2_000, "rows are loaded"
    assert number_after("duplicates", shown)[0] > 0 and number_after("rejects", shown)[0] > 0
    assert len(charts(notebook)) == 3
    assert has_colour(charts(notebook)[-1], look.BLUE), "the chart of the credits has bars"


def check_history(notebook: nbformat.NotebookNode) -> None:
    shown = text(notebook)
    kept, lost = number_after("versions kept", shown), number_after("versions lost", shown)
    assert lost[0] == 0 and lost[1] > 0 and kept[0] == kept[1] + lost[1]
    assert number_after("customers wrong", shown)[0] == 0
    assert len(charts(notebook)) == 4


def check_estimated_credits() -> None:
    """Runs within the auto-suspend time share one minute of idling; a run past the hour counts for both hours."""
    times = [("10:00:00", "10:00:05"), ("10:00:35", "10:00:40"), ("11:59:30", "12:00:30")]
    runs = pd.DataFrame([[f"2026-01-01 {at}" for at in run] for run in times], columns=["started_at", "finished_at"])
    used = pipeline.estimate(runs)
    assert [at.hour for at in used["hour"]] == [10, 11, 12]
    assert (used["credits"] * 3600).round().tolist() == [100, 30, 90]

    class Unused:
        def query(self, _sql: str) -> pd.DataFrame:
            return pd.DataFrame(columns=["started_at", "finished_at"])

    (axes,) = pipeline.credits_used(Unused()).axes
    assert [text.get_text() for text in axes.texts] == ["no credits used since yesterday"]


CHECKS = {"01_generate": check_generate, "02_pipeline": check_pipeline, "03_history": check_history}


def main(names: list[str]) -> None:
    """Runs and checks the notebooks with these names, or all."""
    found = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert found == set(CHECKS), f"notebooks without a check, or checks without a notebook: {found ^ set(CHECKS)}"
    check_estimated_credits()
    RESULTS.mkdir(parents=True, exist_ok=True)
    for name in list(os.environ):
        if name.startswith("SNOWFLAKE_"):
            del os.environ[name]
    for name in names or sorted(found):
        notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
        assert not any(cell.get("outputs") for cell in notebook.cells), f"{name} has outputs: clear them before you commit"
        client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(ROOT / "notebooks")}})
        try:
            client.execute()
        finally:
            nbformat.write(notebook, RESULTS / f"{name}.ipynb")
            page, _ = HTMLExporter().from_notebook_node(notebook)
            (RESULTS / f"{name}.html").write_text(page)
            for number, chart in enumerate(charts(notebook)):
                (RESULTS / f"{name}-{number}.png").write_bytes(chart)
        CHECKS[name](notebook)
        print(f"ok    {name}: target/notebooks/{name}.html")


if __name__ == "__main__":
    main(sys.argv[1:])
