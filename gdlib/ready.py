"""Is this machine ready for the course? One line a question, and the remedy where the answer is no."""
import importlib
import sys

from gdlib import data

INSTALL = "`pip install -r requirements.txt` in the course's folder"


def check():
    """Print what the course needs, and whether it is here: Python, the packages, the data, a notebook, widgets."""
    for question, remedy in _questions():
        print(f"{'✓' if remedy is None else '✗'} {question}" + ("" if remedy is None else f": no. {remedy}"))


def _questions():
    """Pairs (what is needed, None or the remedy)."""
    yield "Python 3.11 or newer", None if sys.version_info >= (3, 11) else f"This is {sys.version.split()[0]}."
    for package, use in (("numpy", "arrays"), ("matplotlib", "pictures"), ("ipywidgets", "sliders")):
        yield f"{package}, for {use}", _problem(importlib.import_module, package, remedy=INSTALL)
    for name in data.FILES:
        yield f"data/{name}.csv, every byte of it", _problem(data.load, name)
    from gdlib.notes import in_ipython

    yield "a notebook", None if in_ipython() else "This is plain Python: open the lesson with `make lab`."


def _problem(action, argument, remedy=""):
    try:
        action(argument)
    except Exception as error:
        return f"{error} {remedy}".strip()
    return None
