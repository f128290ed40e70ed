"""The course as a site: built without a complaint, whole, readable, and at home on a phone and on a dark screen."""
import http.server
import re
import shutil
import subprocess
import sys
import threading
from functools import partial
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest

import gdlib as gd
from tests.browser.lab import chromium
from tools.notebooks import ROOT, lessons

pytest.importorskip("playwright", reason="NO BROWSER TEST: playwright is missing (pip install -r requirements-dev.txt)")
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not shutil.which("chromium"), reason="NO BROWSER TEST: no `chromium` on the PATH (Debian: apt install chromium)"
    ),
]
LOOKED_AT = ["docs/index.html", *(f"notebooks/{path.stem}.html" for path in lessons()), "CLAIMS.html",
             "notebooks/trials/02_noise-floor.html", "docs/reference.html", "instructor/04_momentum.html"]


class Page(HTMLParser):
    """The links, the names that links may end with, and the images of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.names, self.images = [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.names |= {found[key] for key in ("id", "name") if found.get(key)}
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if tag == "img":
            self.images.append(found)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site; a warning of Sphinx is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-c", "docs", ".", str(folder), "-q", "-W", "--keep-going"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="module")
def address(site):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(site):
    return {path.relative_to(site).as_posix(): Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def test_a_half_is_a_half():
    from docutils import nodes

    import docs.conf as conf

    def shown(tex):
        return conf.mathml(nodes.math(text=tex), as_block=False)

    assert shown(r"\tfrac12\eta") == shown(r"\tfrac{1}{2}\eta") != shown(r"\tfrac{12}{\eta}")
    assert shown(r"\frac1n") == shown(r"\frac{1}{n}")


def test_each_lesson_trial_and_instructors_page_is_there(site):
    for folder in ("notebooks", "notebooks/trials", "instructor"):
        sources = {path.stem for path in (ROOT / folder).iterdir() if path.suffix in (".ipynb", ".md")}
        assert sources == {path.stem for path in (site / folder).glob("*.html")}


def test_the_reference_has_every_name(pages):
    names = {name.rsplit(".", 1)[-1] for name in pages["docs/reference.html"].names if name.startswith("gdlib")}
    rooms = {"analysis", "checkpoints", "conventions", "data", "distributed", "plots"}
    assert set(gd.__all__) - rooms - names == set()


def test_every_picture_is_described(pages):
    for where, page in pages.items():
        assert [image["src"][:60] for image in page.images if not image.get("alt")] == [], where


def test_every_link_within_the_site_leads_somewhere(site, pages):
    broken = []
    for where, page in pages.items():
        for link in page.links:
            path, _, name = unquote(link).partition("#")
            if re.match(r"\w+:", path):
                continue
            target = ((site / where).parent / path).resolve() if path else site / where
            inside = target.relative_to(site.resolve()).as_posix() if target.is_relative_to(site.resolve()) else ""
            if not target.exists() or name and inside in pages and name not in pages[inside].names:
                broken.append((where, link))
    assert broken == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_ask_no_other_host_and_raise_no_error(browser, address, scheme):
    page, asked, errors = browser.new_page(color_scheme=scheme), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    for name in LOOKED_AT:
        page.goto(address + name)
    page.goto(address)
    page.wait_for_url("**/docs/index.html")
    page.close()
    assert errors == [] and {url for url in asked if not url.startswith((address, "data:"))} == set()


def test_a_page_fits_a_phone(browser, address):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    wide = []
    for name in LOOKED_AT:
        page.goto(address + name)
        if page.evaluate("document.documentElement.scrollWidth") > 391:
            wide.append(name)
    page.close()
    assert wide == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(browser, address, scheme):
    """Boxes and code, too: at least 4.5 to 1, as WCAG asks."""
    page, pale = browser.new_page(color_scheme=scheme), []
    for name in LOOKED_AT[:3]:
        page.goto(address + name)
        pale += page.evaluate(CONTRAST)
    page.close()
    assert pale == []


CONTRAST = """() => {
  const rgb = text => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const light = c => { const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 :
    ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0.5) return c; } return [255, 255, 255]; };
  const pale = [];
  for (const e of document.querySelectorAll('article p, article li, article td, .cell_output div, .cell_output pre')) {
    if (!e.innerText || !e.offsetWidth) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) pale.push(ratio.toFixed(1) + ' ' + e.innerText.slice(0, 60));
  }
  return pale.slice(0, 5);
}"""


def test_a_film_moves(browser, address):
    page = browser.new_page()
    page.goto(address + "docs/index.html")
    film = page.locator("article img").first
    film.evaluate("image => image.decode()")
    first = film.screenshot()
    page.wait_for_timeout(700)
    assert film.screenshot() != first
    page.close()


def test_the_search_finds_momentum(browser, address):
    page = browser.new_page()
    page.goto(address + "search.html?q=momentum")
    page.wait_for_selector("#search-results li a")
    found = page.locator("#search-results li a").all_inner_texts()
    page.close()
    assert any("Momentum" in title for title in found)
