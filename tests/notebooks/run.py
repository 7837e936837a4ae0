"""Runs every notebook as a person would, keeps it with its outputs in target/notebooks, and checks what it shows.

target/notebooks-venv/bin/python tests/notebooks/run.py [NAME…]
"""

import base64
import html
import os
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "target/notebooks"


def text(notebook: nbformat.NotebookNode) -> str:
    """Everything that the cells show as text or HTML, without tags."""
    shown = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            shown.append(data.get("text/html") or data.get("text/plain") or output.get("text", ""))
    return html.unescape(re.sub(r"<[^>]+>", " ", " ".join(shown)))


def pictures(notebook: nbformat.NotebookNode) -> list[bytes]:
    """Every picture that the cells show."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    found = [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    return [base64.b64decode(one) for one in found]


def number_after(label: str, shown: str) -> list[int]:
    """The whole numbers right after a label of a table."""
    found = re.search(re.escape(label) + r"((?:\s+-?\d+)+)", shown)
    assert found, f"{label!r} is not shown"
    return [int(one) for one in found[1].split()]


def check_generate(notebook: nbformat.NotebookNode) -> None:
    shown = text(notebook)
    assert "(1000000, 13)" in shown, "a million customers"
    assert "True" in shown, "the same again"
    events = re.search(r"events\s+op\s+((?:[IUD]\s+\d+\s+){3})", shown)
    assert events, "events by op"
    assert sum(int(count) for count in re.findall(r"\d+", events[1])) == 1_000_000
    assert len(pictures(notebook)) == 1


def check_pipeline(notebook: nbformat.NotebookNode) -> None:
    shown = text(notebook)
    assert number_after("rows_in - history - duplicates - rejects", shown) == [0]
    assert number_after("rows_in", shown)[0] > 2_000, "rows came in"
    assert number_after("duplicates", shown)[0] > 0 and number_after("rejects", shown)[0] > 0
    assert len(pictures(notebook)) == 3


def check_history(notebook: nbformat.NotebookNode) -> None:
    shown = text(notebook)
    kept, lost = number_after("versions kept", shown), number_after("versions lost", shown)
    assert lost[0] == 0 and lost[1] > 0 and kept[0] == kept[1] + lost[1]
    assert number_after("customers wrong", shown)[0] == 0
    assert len(pictures(notebook)) == 4


CHECKS = {"01_generate": check_generate, "02_pipeline": check_pipeline, "03_history": check_history}


def main(names: list[str]) -> None:
    """Runs and checks the notebooks of these names, or all."""
    found = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert found == set(CHECKS), f"notebooks and their checks differ: {found ^ set(CHECKS)}"
    KEPT.mkdir(parents=True, exist_ok=True)
    for name in list(os.environ):
        if name.startswith("SNOWFLAKE_"):
            del os.environ[name]
    for name in names or sorted(found):
        notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
        assert not any(cell.get("outputs") for cell in notebook.cells), f"{name}: commit it without outputs"
        client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(ROOT / "notebooks")}})
        try:
            client.execute()
        finally:
            nbformat.write(notebook, KEPT / f"{name}.ipynb")
            page, _ = HTMLExporter().from_notebook_node(notebook)
            (KEPT / f"{name}.html").write_text(page)
            for number, picture in enumerate(pictures(notebook)):
                (KEPT / f"{name}-{number}.png").write_bytes(picture)
        CHECKS[name](notebook)
        print(f"{name}: ok, kept in target/notebooks/{name}.html")


if __name__ == "__main__":
    main(sys.argv[1:])
