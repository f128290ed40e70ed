"""The anatomy that every lesson keeps, so that who knows one knows all, and the form in which it is stored."""

import ast
import builtins
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gdlib.lessons import table
from tests.notebooks.reading import LEDGER, checked, claimed, verdicts
from tools import lists, measure
from tools.notebooks import ROOT, WIDGET_VIEW, badges, complaints, lessons, load, set_up_of

COURSE = [lesson.name for lesson in table()]
CLOSING = ("Recap", "Self-test", "How PyTorch, JAX and Keras spell it", "Further reading")
# Lessons from before there was a measure: still to be cut to it, and to the form of the others.
UNCUT = ("02_batch_sgd_minibatch", "03_learning_rate", "05_saddle_points", "06_adam",)


class Lesson:
    """A stored notebook, and the parts of it that the contract speaks of."""

    def __init__(self, path: Path):
        self.path, self.nb = path, load(path)
        self.number = int(path.name[:2])
        self.code = [c for c in self.nb.cells if c.cell_type == "code"]
        self.source = "\n".join(c.source for c in self.code)
        self.markdown = "\n\n".join(c.source for c in self.nb.cells if c.cell_type == "markdown")
        self.opening = self.markdown.split("\n## ")[0]
        self.outputs = [out for c in self.code for out in c.outputs]
        self.bundles = [out.data for out in self.outputs if "data" in out]
        self.headings = re.findall(r"^## (.+)$", self.markdown, re.M)
        self.sections = list(measure.sections(self.nb))
        self.uncut = path.stem in UNCUT

    def part(self, heading: str) -> str:
        """The text from a heading to the next of its level."""
        return re.split(r"^## ", self.markdown.split(f"\n## {heading}", 1)[1], maxsplit=1, flags=re.M)[0]


class Images(HTMLParser):
    """The attributes of every <img> of a text, and where they stand still: of a film its last frame."""

    def __init__(self, html):
        super().__init__()
        self.found, self.still = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "source":
            self.still.append(attrs["srcset"])
        if tag == "img":
            self.found.append(attrs)
            if not attrs["src"].startswith("data:image/gif"):
                self.still.append(attrs["src"])


@pytest.fixture(scope="module", params=lessons(), ids=lambda path: path.stem)
def lesson(request):
    return Lesson(request.param)


def test_lessons_are_those_of_the_course():
    found = [path.stem for path in lessons()]
    assert found and found == [name for name in COURSE if name in found]


def test_every_lesson_has_its_folder_and_its_page_for_instructors():
    for path in lessons():
        word = path.stem.split("_", 1)[1]
        assert (ROOT / "gdlib" / "lessons" / word / "exercises.py").is_file(), path.name
        assert (ROOT / "instructor" / f"{path.stem}.md").is_file(), path.name


def test_the_lists_in_readme_and_lesson_00_are_made_from_the_table_and_the_rooms():
    for path, text in lists.pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run `python -m tools.lists`"
        if path.parent.name != "instructor":
            links = re.findall(r"^\| \[.*\]\((?:(?:\.\./)?notebooks/)?(\w+)\.ipynb\) \|", text.replace('"', "\n"), re.M)
            assert links == [path.stem for path in lessons()]
        else:
            assert re.search(r"^\*\*Alone\*\* a person takes \d+ minutes, of which the core takes \d+\.$", text, re.M)


def test_readme_opens_the_course_by_its_badges():
    assert badges("00_start_here.ipynb") in (ROOT / "README.md").read_text(encoding="utf-8")


def test_stored_in_normal_form(lesson):
    assert complaints(lesson.path) == []
    assert lesson.path.stat().st_size < 2.5e6


# The opening


def test_one_title_and_badges(lesson):
    assert lesson.nb.cells[0].source.startswith("# ")
    assert len(re.findall(r"^# ", lesson.markdown, re.M)) == 1
    assert lesson.nb.cells[0].source.count(badges(lesson.path.name)) == 1


def test_opening_says_aim_conditions_and_time(lesson):
    for promise in ("You will be able to", "Before you start", "Time"):
        assert f"**{promise}" in lesson.opening, promise
    aims = lesson.opening.split("You will be able to")[1].split("**Before you start")[0]
    assert 3 <= len(re.findall(r"^[-*] ", aims, re.M)) <= 5


def test_set_up_cell_comes_first_and_is_the_same_everywhere(lesson):
    tagged = [c for c in lesson.code if "set-up" in c.metadata.get("tags", [])]
    assert tagged == [lesson.code[0]] and tagged[0].source == set_up_of(lesson.path.name)
    assert lesson.nb.cells.index(tagged[0]) <= lesson.nb.cells.index(
        next(c for c in lesson.nb.cells if c.source.startswith("## ") and not c.source.startswith("## Set"))
    )


# The sections


def test_sections_say_what_is_core_and_all_minutes_are_the_models(lesson):
    for heading in lesson.sections:
        assert re.search(r" \*\((core|further), \d+ min\)\*$", heading), heading
    stamped = measure.stamped(load(lesson.path))
    assert [c.source for c in stamped.cells] == [c.source for c in lesson.nb.cells], "python -m tools.notebooks stamp"


def test_a_lesson_fits_a_person(lesson):
    minutes, core = measure.minutes(lesson.nb)
    found = vars(measure.total(lesson.nb)) | {"minutes": minutes, "core": core, "sections": len(lesson.sections)}
    too_much = {name: found[name] for name, most in measure.MOST.items() if found[name] > most}
    if lesson.uncut:
        assert too_much or "My loss does X, so do Y" not in lesson.headings, f"take {lesson.path.stem} out of UNCUT"
    else:
        assert too_much == {}
        assert found["pictures"] + found["films"] + found["explorers"] > found["tables"]


def test_every_section_runs_after_the_set_up_cell_alone(lesson):
    """Each name that a section's code uses is made in it, or in the set-up cell."""
    if lesson.uncut:
        pytest.skip("still to be cut")
    known = made(lesson.code[0].source.replace("!git", "pass  # git")) | set(dir(builtins))
    section, missing = "", {}
    sources = {}
    for cell in lesson.nb.cells:
        if cell.cell_type == "markdown":
            section = next((h for h in reversed(lesson.sections) if f"## {h}" in cell.source), section)
        elif "set-up" not in cell.metadata.get("tags", []):
            sources[section] = sources.get(section, "") + "\n" + cell.source
    for section, source in sources.items():
        missing[section] = used(source) - made(source) - known
    assert {section: names for section, names in missing.items() if names} == {}


def made(source: str) -> set[str]:
    """The names that code makes, wherever: assigned, imported, defined, a parameter."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
    return names


def used(source: str) -> set[str]:
    """The names that code reads."""
    return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Load)}


def test_sections_ask(lesson):
    """Each section but the exercises' own is a question."""
    asking = [heading for heading in lesson.sections if "?" in heading]
    assert len(asking) >= len(lesson.sections) / 2
    assert lesson.uncut or [h for h in lesson.sections if h not in asking and not h.startswith("Project: ")] == []


def test_closing_parts(lesson):
    wanted = [part for part in CLOSING if lesson.number or not part.startswith("How PyTorch")]
    assert [h for h in lesson.headings if h in CLOSING] == wanted
    assert lesson.uncut or ("My loss does X, so do Y" in lesson.headings) == bool(lesson.number)  # 00 trains nothing
    assert re.search(r"https?://|doi", lesson.part("Further reading"))
    lines = re.findall(r"^(?:[-*]|\d+\.) ", lesson.part("Recap"), re.M)
    assert 3 <= len(lines) <= 6


def test_links_lead_somewhere(lesson):
    targets = re.findall(r"\]\(([^)\s]+)\)", lesson.markdown)
    for target in targets:
        if not re.match(r"https?://|#|attachment:", target):
            assert (lesson.path.parent / target.split("#")[0]).exists(), target
    neighbours = COURSE[max(lesson.number - 1, 0) : lesson.number] + COURSE[lesson.number + 1 : lesson.number + 2]
    for name in neighbours:
        if (lesson.path.parent / f"{name}.ipynb").exists():
            assert f"{name}.ipynb" in targets


# The cells


def test_code_cells_are_short_and_clean(lesson):
    shown = [cell for cell in lesson.code if measure.FOLDED not in cell.metadata.get("tags", [])]
    for cell in shown:
        lines = [line for line in cell.source.splitlines() if line.strip()]
        most = 15 if cell is not lesson.code[0] else 17  # the set-up cell is the same everywhere, and read once
        assert 1 <= len(lines) <= most, f"{len(lines)} lines in cell {cell.id}:\n{cell.source}"
    forbidden = re.search(r"^\s*global\s|plt\.show\(|default_rng\(\s*\)|from [\w.]+ import \*", lesson.source, re.M)
    assert forbidden is None, forbidden[0]


def test_exercises_have_stubs_that_are_still_untouched(lesson):
    names = checked(lesson.nb)
    assert len(set(names)) == len(names) and (3 if lesson.number else 1) <= len(names) <= 6
    for name in names:
        cell = next(c for c in lesson.code if f"ex.{name}.check(" in c.source)
        assert "..." in cell.source, name
        assert any(out.data["text/plain"].startswith(f"{name}: not attempted") for out in cell.outputs), name


def test_every_prediction_comes_before_its_answer(lesson):
    asked = [name for name in re.findall(r"\bex\.(\w+)\.predict\(", lesson.source)]
    answered = [name for name in re.findall(r"\bex\.(\w+)\.reveal\(", lesson.source)]
    assert asked and sorted(asked) == sorted(answered) and len(set(asked)) == len(asked)
    for name in asked:
        assert lesson.source.index(f"ex.{name}.predict(") < lesson.source.index(f"ex.{name}.reveal(")


def test_at_least_one_explorer(lesson):
    assert re.search(r"\bexplorers\.\w+\(", lesson.source)


# The outputs


def test_only_timings_are_not_compared(lesson):
    """A cell whose text nbval ignores tells how long, or how much memory, something took; a second tag says so."""
    ignored = [c for c in lesson.code if "nbval-ignore-output" in c.metadata.get("tags", [])]
    assert [c.id for c in ignored if "timing" not in c.metadata.tags] == []


def test_no_errors_warnings_or_widget_views_are_stored(lesson):
    assert not [out for out in lesson.outputs if out.output_type == "error" or out.get("name") == "stderr"]
    assert not [bundle for bundle in lesson.bundles if WIDGET_VIEW in bundle]
    assert "widgets" not in lesson.nb.metadata


def test_no_progress_bars_are_stored(lesson):
    texts = [out.get("text", "") for out in lesson.outputs] + [bundle["text/plain"] for bundle in lesson.bundles]
    assert not [text for text in texts if re.search(r"\d%\||\?it/s|\?step/s", text)]


def test_every_picture_says_what_is_to_be_seen(lesson):
    """In HTML with its description and, the same, as PNG: a figure leaves a cell through plots.show or an explorer."""
    pictures = 0
    for bundle in lesson.bundles:
        images = Images(bundle.get("text/html", "")).found
        for image in images:
            pictures += 1
            assert len(image.get("alt") or "") >= 40, image.get("alt")
            assert image["alt"] in bundle["text/plain"]
        as_files = [f"data:{kind};base64,{bundle[kind].strip()}" for kind in bundle if kind.startswith("image/")]
        assert as_files == Images(bundle.get("text/html", "")).still
    assert pictures
    assert all(alt.strip() for alt in re.findall(r"!\[([^\]]*)\]\(", lesson.markdown))
    assert all(image.get("alt") for image in Images(lesson.markdown).found)


def test_verdicts_are_the_ledgers(lesson):
    assert not set(claimed(lesson.nb)) - set(LEDGER)
    assert verdicts(lesson.nb) == {name: LEDGER[name]["verdict"] for name in claimed(lesson.nb)}
