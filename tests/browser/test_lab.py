"""Every lesson in JupyterLab, in the Chromium on the PATH: solved and run, its sliders moved by
keyboard, its labels read."""

import shutil

import pytest

from tests.browser.lab import chromium, jupyterlab, lesson, notebook
from tests.notebooks.solved import check_answers, long_ones_marked, solved
from tools.measure import FOLDED
from tools.notebooks import FOLDER, dumps, lessons, load

pytest.importorskip("playwright", reason="NO BROWSER TEST: playwright is missing (pip install -r requirements-dev.txt)")
pytestmark = pytest.mark.skipif(
    not shutil.which("chromium"), reason="NO BROWSER TEST: no `chromium` on the PATH (Debian: apt install chromium)"
)

OUTPUT = ".jp-OutputArea-output"
# What Tab reaches inside the outputs, and its name; for a slider and its readout, which ipywidgets 8 does not tie to
# their label, the label that stands beside them.
REACHABLE = """() => {
    const text = id => document.getElementById(id)?.textContent;
    const controls = 'input, select, button, textarea, a[href], [tabindex], [contenteditable=true]';
    return [...document.querySelectorAll(`.jp-OutputArea-output :is(${controls})`)]
        .filter(e => (e.tabIndex >= 0 || e.isContentEditable) && e.checkVisibility())
        .map(e => ({
            what: e.outerHTML.slice(0, 160),
            name: [
                e.ariaLabel, e.title, ...[...(e.labels ?? [])].map(label => label.textContent),
                ...(e.getAttribute('aria-labelledby') ?? '').split(' ').map(text),
                e.matches('button, a') ? e.textContent : '',
                e.closest('.widget-slider')?.querySelector('.widget-label').textContent,
            ].filter(Boolean).join(' ').trim(),
        }));
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("solved")
    for path in lessons():
        (folder / path.name).write_text(dumps(solved(load(path))), encoding="utf-8")
    with jupyterlab(folder) as where:
        yield where


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module", params=long_ones_marked())
def page(request, server, browser):
    with lesson(browser, *server, request.param.name) as page:
        yield page


def test_runs_without_errors(page):
    prompts = page.locator(".jp-CodeCell .jp-InputPrompt").all_inner_texts()
    cells = [cell for cell in load(FOLDER / page.url.rsplit("/", 1)[1]).cells if cell.cell_type == "code"]
    folded = [FOLDED in cell.metadata.get("tags", []) for cell in cells]  # a folded cell does not show its prompt
    assert prompts == ["" if hidden else f"[{i}]:" for i, hidden in enumerate(folded, start=1)]
    assert page.locator(".jp-OutputArea-output[data-mime-type*='error']").all_inner_texts() == []
    assert page.locator(".jp-OutputArea-output[data-mime-type*='stderr']").all_inner_texts() == []


def test_exercises_are_solved_and_verdicts_the_ledgers(page):
    check_answers(notebook(page), "✓")


def test_pictures_carry_their_description(page):
    pictures = page.locator(f"{OUTPUT} img").evaluate_all("es => es.map(e => [e.alt, e.naturalWidth])")
    assert pictures
    for alt, width in pictures:
        assert len(alt) >= 40 and width > 0, alt


def test_controls_have_names(page):
    reached = page.evaluate(REACHABLE)
    assert reached
    assert [control for control in reached if not control["name"]] == []


def test_a_key_on_a_slider_moves_the_picture_and_the_sentence(page):
    """Each key is answered by the sentence; and by the picture, except where it is too small to be seen in it."""
    for explorer in page.locator(f"{OUTPUT}:has(.jupyter-widgets img)").all():
        move_each_slider(page, explorer)


def move_each_slider(page, explorer):
    from playwright.sync_api import expect

    image, sentence = explorer.locator("img"), explorer.locator("[role=status]")
    assert image.is_visible() and sentence.inner_text().strip()
    moved = []
    for slider in explorer.locator("[role=slider]").all():
        before = image.get_attribute("src"), sentence.inner_text()
        low, now, high = (float(slider.get_attribute(f"aria-value{end}")) for end in ("min", "now", "max"))
        slider.focus()
        page.keyboard.press("ArrowRight" if now < high else "ArrowLeft")
        expect(sentence).not_to_have_text(before[1])
        expect(image).to_have_attribute("alt", sentence.inner_text())
        moved.append(image.get_attribute("src") != before[0])
    assert any(moved)
