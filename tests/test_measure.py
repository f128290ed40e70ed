"""The model of a lesson's minutes, and what it counts."""
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from tools import measure


def lesson(*cells):
    return nbformat.v4.new_notebook(cells=list(cells))


HEAD = new_markdown_cell("# 09 Title\n\n[![badge](https://x.org/a b c)](https://y.org)\n\nFour words stand here.\n\n"
                         "**Time:** 1 minute")
WIDE = "\n".join(f"x = {i}" for i in range(16))


def test_words_leave_out_what_nobody_reads():
    assert measure.words("One [two](https://a.org/b) three.\n\n```python\nfour five\n```\n\n| a | b |\n|---|---|\n"
                         "| c | d |\n<br> – e") == 3 + 4 + 1
    assert measure.words("[![Open](https://x.org)](https://y.org) not read\nread") == 1


def test_minutes_are_the_models():
    part = measure.Measure(words=200, lines=16, exercises=1, explorers=1, films=1, predictions=2)
    assert part.minutes == 2 + 2 + 6 + 3 + 3 + 2


def test_folded_and_set_up_cells_are_not_read():
    cells = [new_code_cell(WIDE, metadata={"tags": tags}) for tags in ([], [measure.FOLDED], ["set-up"])]
    assert [measure.of_code(cell).lines for cell in cells] == [16, 0, 0]


def test_calls_are_counted_where_they_begin_a_line():
    cell = new_code_cell("ex.a.check(a)\nex.q.predict()\nexplorers.bowl()\nplots.show(fig)\nplots.film(*x)\n"
                         "ledger.verdict('a')\n# ex.b.check(b)")
    found = measure.of_code(cell)
    assert (found.exercises, found.predictions, found.explorers, found.pictures, found.films, found.boxes) == (1,) * 6


def test_a_long_print_is_a_table():
    short, long = (new_code_cell("1", outputs=[new_output("stream", text="row\n" * n)]) for n in (6, 7))
    assert [measure.of_code(cell).tables for cell in (short, long)] == [0, 1]


def test_parts_and_stamps():
    nb = lesson(HEAD, new_markdown_cell("## 1. Why? *(core, 0 min)*\n\n" + "word " * 150), new_code_cell(WIDE),
                new_markdown_cell("## 2. How? *(further, 0 min)*\n\nshort"), new_code_cell("ex.a.check(a)"),
                new_markdown_cell("## Recap\n\n" + "word " * 97 + "\n\n## Further reading\n\n" + "word " * 1000))
    measure.stamped(nb)
    headings = list(measure.sections(nb))
    assert headings == ["1. Why? *(core, 4 min)*", "2. How? *(further, 7 min)*"]
    around = 2  # the opening and the recap: some 110 words
    assert "**Time:** 13 minutes, of which the core takes 6." in nb.cells[0].source
    assert measure.minutes(nb) == (4 + 7 + around, 4 + around)
    before = [cell.source for cell in nb.cells]
    assert [cell.source for cell in measure.stamped(nb).cells] == before
