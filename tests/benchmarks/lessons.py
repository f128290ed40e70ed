"""Each lesson, run from top to bottom."""
import subprocess
import time
from datetime import datetime

from tests.benchmarks.measure import ROOT, Row


def lessons():
    """Seconds of each lesson as it stands, and of its longest cell."""
    import nbformat
    from nbclient import NotebookClient

    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        begin = time.perf_counter()
        client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(path.parent)}})
        client.execute(stderr=subprocess.DEVNULL)
        total = time.perf_counter() - begin
        longest, number = max((_seconds(cell), k) for k, cell in enumerate(notebook.cells) if cell.cell_type == "code")
        yield Row(f"{path.stem}", f"{total:.1f} s, cell {number}: {longest:.1f} s")


def _seconds(cell):
    begin, end = (cell.metadata.get("execution", {}).get(k) for k in ("iopub.execute_input", "shell.execute_reply"))
    if not (begin and end):
        return 0.0  # an empty cell isn't run
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
