"""A picture, a progress bar and a film in JupyterLab: words beside the pictures, and of the bar nothing stays."""

import shutil
import time

import nbformat
import pytest

from tests.browser.lab import KERNEL, chromium, command, jupyterlab, lesson
from tests.notebooks.test_compared import PICTURE
from tools.notebooks import ROOT, dumps, execute, normalise

pytest.importorskip("playwright", reason="NO BROWSER TEST: playwright is missing (pip install -r requirements-dev.txt)")
pytestmark = pytest.mark.skipif(
    not shutil.which("chromium"), reason="NO BROWSER TEST: no `chromium` on the PATH (Debian: apt install chromium)"
)

BAR = """
import time
import gdlib as gd
slow = gd.Objective("slow bowl", lambda theta: (theta**2).sum(axis=-1), lambda theta: time.sleep(0.05) or 2 * theta)
end = gd.run(slow, gd.gradient_descent(0.1), [1.0], 100, progress=True).t[-1]"""
FILM = """
import numpy as np
from gdlib import film, plots
fig, ax = plots.grid(width=4, height=3)
(ball,) = ax.plot([], [], "o", markersize=40)
ax.set(xlim=(0, 1), ylim=(0, 1))
film.film(fig, lambda x: ball.set_data([x], [0.5]), np.linspace(0.1, 0.9, 30), "A ball that rolls to the right.")"""
OUTPUT = ".jp-OutputArea-output"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A stored notebook of three cells: a picture, a run of about 5 s with a bar, and a film."""
    folder = tmp_path_factory.mktemp("outputs")
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in (PICTURE.format(1, "slowly"), BAR, FILM)]
    nb = normalise(execute(nbformat.v4.new_notebook(cells=cells), ROOT))
    assert [len(cell.outputs) for cell in nb.cells] == [1, 0, 1]
    (folder / "outputs.ipynb").write_text(dumps(nb), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def page(folder):
    with jupyterlab(folder) as where, chromium() as browser:
        with lesson(browser, *where, "outputs.ipynb", run=False) as page:
            yield page


def test_a_stored_picture_is_shown_with_its_description(page):
    """Of text/html and image/png JupyterLab takes the first, also from a notebook that it does not trust yet."""
    image = page.locator(f"{OUTPUT} img").first
    assert image.get_attribute("alt") == "A line that rises slowly."
    assert image.evaluate("e => e.naturalWidth") == 1350
    assert page.locator(OUTPUT).first.get_attribute("data-mime-type") == "text/html"


def test_a_stored_film_moves_and_can_be_closed(page):
    """Before any cell was run, in a notebook that JupyterLab does not trust yet."""
    film = page.locator(f"{OUTPUT} details")
    image = film.locator("img")
    assert image.get_attribute("alt") == "A ball that rolls to the right."
    image.scroll_into_view_if_needed()
    photographs = set()
    for _ in range(20):
        photographs.add(image.screenshot())
        page.wait_for_timeout(100)
    assert len(photographs) > 3
    film.locator("summary").focus()
    page.keyboard.press("Enter")
    assert not image.is_visible()
    page.keyboard.press("Enter")
    assert image.is_visible()


def test_a_bar_moves_and_leaves_nothing(page):
    page.evaluate("void window.jupyterapp.commands.execute('notebook:run-all-cells')")
    seen, begin = [], time.monotonic()
    while time.monotonic() < begin + 60:
        seen += page.locator(OUTPUT).filter(has_text="step/s").all_inner_texts()
        if seen and page.evaluate(f"{KERNEL}.status") == "idle":
            break
        page.wait_for_timeout(200)
    steps = [int(text.split("/101")[0].split()[-1]) for text in seen]
    assert len(set(steps)) > 5 and steps == sorted(steps)
    assert page.locator(f"{OUTPUT}:visible").count() == 2, "the picture's and the film's"
    command(page, "docmanager:save")
    saved = page.evaluate("window.jupyterapp.shell.currentWidget.content.model.toJSON().cells[1].outputs")
    assert [output["data"] for output in saved] == [{}]


def test_who_asked_for_less_motion_sees_the_last_frame(page):
    """Of a cell that was run: from a notebook that it does not trust JupyterLab takes the still's address away."""
    page.emulate_media(reduced_motion="reduce")
    image = page.locator(f"{OUTPUT} details img")
    page.wait_for_timeout(300)
    assert image.evaluate("e => e.currentSrc").startswith("data:image/png")
    page.emulate_media(reduced_motion="no-preference")
