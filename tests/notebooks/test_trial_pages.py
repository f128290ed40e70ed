"""The pages of claims on trial, notebooks/trials: all alike, short, and in step with ledger and rows."""

import re
from html.parser import HTMLParser

import pytest

from gdlib.lessons.kit import ledger
from gdlib.lessons.kit.page import Page
from tests.notebooks.reading import LEDGER, texts
from tools.notebooks import badges, complaints, execute, load, name_of, pages, pinned, set_up_of

HEADINGS = ["The claim", "What would decide it?", "One case by hand", "All cases", "The best counterexample",
            "The verdict", "Attack it"]
CALLS = ["page.claim()", "page.guess.predict()", "page.decides()", "page.picture()", "page.counterexample()",
         "page.verdict()", "page.attack("]
WRITTEN = 20  # of the trials: raise it with each page that is added


class Read:
    """A stored page and its parts."""

    def __init__(self, path):
        self.path, self.nb = path, load(path)
        self.claim = path.stem.split("_", 1)[1]
        self.code = [cell.source for cell in self.nb.cells if cell.cell_type == "code"]
        self.prose = "\n\n".join(cell.source for cell in self.nb.cells if cell.cell_type == "markdown")
        self.said = texts(self.nb)


@pytest.fixture(scope="module", params=pages(), ids=lambda path: path.stem)
def read(request):
    return Read(request.param)


def test_how_many_pages_are_written():
    assert len(pages()) == WRITTEN


def test_stored_in_normal_form(read):
    assert complaints(read.path) == []
    assert read.path.stat().st_size < 3e5


def test_a_page_is_that_of_its_claim(read):
    assert ledger.page(read.claim) == read.path and "trial" in LEDGER[read.claim]
    assert read.code[0] == set_up_of(name_of(read.path)) and f'page = Page("{read.claim}")' in read.code[0]
    assert read.nb.cells[0].source.count(badges(name_of(read.path))) == 1


def test_the_parts_come_in_one_order_and_the_question_first(read):
    title = re.findall(r"^# (.+)$", read.prose, re.M)
    assert len(title) == 1 and title[0].endswith("?")
    assert re.findall(r"^## (.+)$", read.prose, re.M) == HEADINGS
    source = "\n".join(read.code)
    places = [source.find(call) for call in CALLS]
    assert -1 not in places and places == sorted(places) and all(source.count(call) == 1 for call in CALLS)


def test_short_enough_to_be_read(read):
    own = read.prose.replace(badges(name_of(read.path)), "")
    assert 120 <= len(own.split()) <= 330
    for sentence in re.split(r"(?<=[.?!:])\s+|\n\n", own):
        assert len(sentence.split()) <= 25, sentence
    for source in read.code[1:]:
        lines = source.splitlines()
        assert len([line for line in lines if line.strip()]) <= 15 and max(map(len, lines)) <= 78, source
    assert "|---" not in read.prose


def test_links_lead_somewhere(read):
    targets = [target for target in re.findall(r"\]\(([^)\s]+)\)", read.prose) if not target.startswith("http")]
    assert [target for target in targets if not (read.path.parent / target.split("#")[0]).exists()] == []
    assert f"../../CLAIMS.md#{read.claim}" in targets and any(target.startswith("../0") for target in targets)


def test_nothing_but_words_and_one_picture_is_stored(read):
    outputs = [out for cell in read.nb.cells for out in cell.get("outputs", [])]
    assert not [out for out in outputs if out.output_type == "error" or out.get("name") == "stderr"]
    pictures = [out.data for out in outputs if "image/png" in out.get("data", {})]
    assert len(pictures) == 1
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.append(dict(attrs))
    parser.feed(pictures[0]["text/html"])
    assert found[0]["alt"] == pictures[0]["text/plain"] and len(found[0]["alt"]) >= 40


def test_what_is_stored_is_what_ledger_and_rows_say(read, capsys):
    page = Page(read.claim)
    page.claim()
    page.decides()
    page.verdict()
    stored = "\n".join(read.said)
    for line in capsys.readouterr().out.splitlines():
        assert line in stored, line
    assert f"Verdict: {ledger.said(LEDGER[read.claim]['trial'])}" in stored
    assert "Run again just now, from its seed: the same." in stored


def test_the_own_case_does_not_refute_the_verdict(read):
    """What the attack's cell shows must not be a refutation that nobody has looked at."""
    assert not [text for text in read.said if "It speaks against the verdict." in text]


if not pinned():  # with the pinned versions nbval runs it, and compares the text as well

    @pytest.mark.parametrize("path", pages(), ids=lambda path: path.stem)
    def test_page(path):
        nb = execute(load(path), path.parent)
        assert "Run again just now, from its seed: the same." in "\n".join(texts(nb))
