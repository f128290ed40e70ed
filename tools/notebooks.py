"""The lessons' one tool: write what is the same in all of them, run them, and store them in a normal form.

    python -m tools.notebooks run [lesson.ipynb …]      # stamp, execute, store: what `make notebooks` calls
    python -m tools.notebooks stamp [lesson.ipynb …]    # write badges, set-up cell and minutes only; outputs stay
    python -m tools.notebooks check [lesson.ipynb …]    # fail if a stored lesson is not what `run` would store
    python -m tools.notebooks measure [lesson.ipynb …]  # minutes, words, lines, exercises … of each, by the model

Without a name they take all lessons, and all pages of trials, notebooks/trials.

The normal form keeps what a reader sees: text, pictures, execution counts. It drops what changes from run to run:
timing metadata, widget state, widget views with their random ids, the remains of progress bars, and the running
Python's version.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from tools import measure

# The kernels inherit it. On the lessons' small matrices several threads wait for each other more than they compute;
# with another program beside them they take five times as long.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "notebooks"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, BRANCH = PYPROJECT["project"], PYPROJECT["tool"]["course"]["branch"]
REPOSITORY = PROJECT["urls"]["Repository"].removesuffix("/")
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

SET_UP = f'''\
import os, sys
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # for small matrices several threads are slower than one
home = "{REPOSITORY}"
if "COLAB_RELEASE_TAG" in os.environ and not os.path.exists("course"):  # Google Colab starts empty: fetch the course
    !git clone -q --depth 1 {{home}} course 2>/dev/null && pip install -q "./course[lessons]"
beside = [os.path.abspath(p) for p in ("course", ".", "..", "../..") if os.path.exists(p + "/gdlib/data.py")]
sys.path[:0] = beside[:1]  # the course that lies beside this notebook comes before an installed one
try:
    import numpy as np
    import gdlib as gd
    from gdlib import analysis, plots
IMPORTS
except ModuleNotFoundError as e:
    source = f'"{{beside[0]}}[lessons]"' if beside else f'"gdlib[lessons] @ git+{{home}}" (fails? ask for its address)'
    raise ModuleNotFoundError(f"{{e.name}} is missing: in a new cell %pip install {{source}}, then restart") from None
LAST'''
OF_A_LESSON = {
    "IMPORTS": "    from gdlib.lessons.{} import exercises as ex, explorers\n    from gdlib.lessons.kit import ledger",
    "LAST": "SEED = 0",
}
OF_A_PAGE = {"IMPORTS": "    from gdlib.lessons.kit.page import Page", "LAST": 'page = Page("{}")'}


def lessons() -> list[Path]:
    """The lessons in their order."""
    return sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))


def pages() -> list[Path]:
    """The pages of claims on trial, notebooks/trials/NN_CLAIM.ipynb."""
    return sorted((FOLDER / "trials").glob("[0-9][0-9]_*.ipynb"))


def name_of(path: Path) -> str:
    """A notebook's name below notebooks/: "00_start_here.ipynb", or "trials/02_noise-floor.ipynb"."""
    return f"trials/{path.name}" if path.resolve().parent.name == "trials" else path.name


def badges(name: str) -> str:
    """The badge line of a lesson or of a trial's page.

    Parameters
    ----------
    name : str
        Its name below notebooks/, such as "00_start_here.ipynb".
    """
    slug = REPOSITORY.removeprefix("https://github.com/")
    return (
        "[![Open in Binder](https://mybinder.org/badge_logo.svg)]"
        f"(https://mybinder.org/v2/gh/{slug}/{BRANCH}?urlpath=lab/tree/notebooks/{name}) "
        "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
        f"(https://colab.research.google.com/github/{slug}/blob/{BRANCH}/notebooks/{name})"
    )


def set_up_of(name: str) -> str:
    """The set-up cell: the same in all lessons, except a word, and on all pages of trials, except the claim."""
    source, word = SET_UP, Path(name).stem.split("_", 1)[1]
    for place, text in (OF_A_PAGE if name.startswith("trials/") else OF_A_LESSON).items():
        source = source.replace(place, text.format(word))
    return source


def load(path: Path):
    """Read a notebook and give every cell without an id one: the lesson's number and the cell's place."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    for i, cell in enumerate(raw["cells"]):
        cell.setdefault("id", f"{path.stem.split('_')[0]}-{i:02}")
    raw.update(nbformat=4, nbformat_minor=5)
    return nbformat.reads(json.dumps(raw), as_version=4)


def stamp(nb, name: str):
    """Write the badge line, the set-up cell and the minutes into the notebook, in place.

    Parameters
    ----------
    nb : nbformat.NotebookNode
        The notebook, which is also returned.
    name : str
        Its name below notebooks/.
    """
    head, *rest = [line for line in nb.cells[0].source.split("\n") if not line.startswith("[![")]
    while rest and not rest[0].strip():
        rest.pop(0)
    nb.cells[0].source = "\n".join([head, "", badges(name), "", *rest]).rstrip()
    set_up = next((c for c in nb.cells if "set-up" in c.metadata.get("tags", [])), None)
    if set_up is None:
        first_code = next((i for i, c in enumerate(nb.cells) if c.cell_type == "code"), len(nb.cells))
        set_up = nbformat.v4.new_code_cell(metadata={"tags": ["set-up"]}, id=f"{Path(name).name[:2]}-set-up")
        nb.cells.insert(first_code, set_up)
    set_up.source = set_up_of(name)
    return measure.stamped(nb)


def execute(nb, folder: Path):
    """Run all cells in a fresh kernel, in place.

    Parameters
    ----------
    nb : nbformat.NotebookNode
        The notebook, which is also returned.
    folder : Path
        The kernel's working directory.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        A cell raised an error.
    """
    client = NotebookClient(
        nb,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        store_widget_state=False,
        record_timing=False,
    )
    return client.execute()


def normalise(nb):
    """Bring the notebook into its normal form, in place, and return it."""
    nb.nbformat, nb.nbformat_minor = 4, 5
    nb.metadata = nbformat.from_dict({
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    })
    count = 0
    for cell in nb.cells:
        cell.metadata = nbformat.from_dict({k: v for k, v in cell.metadata.items() if k == "tags" and v})
        if measure.FOLDED in cell.metadata.get("tags", []):
            cell.metadata["jupyter"] = {"source_hidden": True}
        cell.source = cell.source.strip("\n")
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
            cell.outputs = _normal_outputs(cell.outputs, count)
    return nb


def _normal_outputs(outputs, count: int) -> list:
    """A cell's outputs in normal form: one stream for consecutive prints, no widget views, no metadata."""
    normal = []
    for out in outputs:
        if out.output_type == "stream" and normal and normal[-1].get("name") == out.name:
            normal[-1].text += out.text
            continue
        if "data" in out:
            out.data.pop(WIDGET_VIEW, None)
            if not out.data:  # the remains of a progress bar
                continue
            out.metadata = nbformat.from_dict({})
        if out.output_type == "execute_result":
            out.execution_count = count
        normal.append(out)
    return normal


def dumps(nb) -> str:
    """The text of the file: a valid notebook, indented by one space, letters unescaped, a newline at the end."""
    nbformat.validate(nb)
    return nbformat.writes(nb, indent=1, ensure_ascii=False).rstrip("\n") + "\n"


def pinned() -> bool:
    """Whether this Python and its packages have the pinned versions, with which the stored outputs were made."""
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.M))
    extras = PROJECT["optional-dependencies"]
    needed = [*PROJECT["dependencies"], *extras["lessons"][1:]]
    needed += [requirement for extra in ("plots", "distributed", "trials") for requirement in extras[extra]]
    names = [re.match(r"[\w.-]+", requirement)[0] for requirement in needed]
    python = (ROOT / ".binder" / "runtime.txt").read_text().strip()
    return python == "python-{}.{}".format(*sys.version_info) and all(version(n) == pins[n] for n in names)


def run(path: Path):
    """Stamp, execute and store a lesson."""
    store(path, dumps(normalise(execute(stamp(load(path), name_of(path)), path.parent))))


def store(path: Path, text: str):
    """Write the text of a lesson if it differs from the file, and print whether it did."""
    changed = text != path.read_text(encoding="utf-8")
    if changed:
        path.write_text(text, encoding="utf-8", newline="\n")
    print(f"{path.name}: {'stored' if changed else 'unchanged'}", flush=True)


def complaints(path: Path) -> list[str]:
    """How a stored lesson differs from what `run` would store, outputs apart: sentences, each with its remedy."""
    nb = load(path)
    found = [
        f"{path.name}: code cell {cell.id} must have been run; got it changed or never run. Run `make notebooks`."
        for cell in nb.cells
        if cell.cell_type == "code" and cell.execution_count is None
    ]
    if not found and dumps(normalise(stamp(nb, name_of(path)))) != path.read_text(encoding="utf-8"):
        found.append(
            f"{path.name} must be in normal form, with the badges and the set-up cell of all lessons; got other text. "
            f"Run `make notebooks`."
        )
    return found


def main(command: str = "", *names: str) -> int:
    """Do what the command line says; the exit status."""
    paths = [Path(name).resolve() for name in names] or [*lessons(), *pages()]
    if command == "run":
        for path in paths:
            run(path)
        return 0
    if command == "stamp":
        for path in paths:
            store(path, dumps(stamp(load(path), name_of(path))))
        return 0
    if command == "check":
        found = [line for path in paths for line in complaints(path)]
        print("\n".join(found) or f"{len(paths)} notebooks are in normal form")
        return bool(found)
    if command == "measure":
        print(measure.table({path.stem: load(path) for path in paths}))
        return 0
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
