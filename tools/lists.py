"""Write the lists of README, the site, lesson 00 and the instructor's pages: lessons, minutes, what the package gives.

    python -m tools.lists            # write it
    python -m tools.lists --check    # check that it is up to date (exit status 1 if not)

The lessons are those of gdlib/lessons/lessons.toml. Their minutes stand in their notebooks' heads, stamped by the model
of tools/measure.py. What a room of the package gives stands in its `__all__`.
"""
import re
import sys
from importlib import import_module
from pathlib import Path

from gdlib.lessons import table
from tools.notebooks import FOLDER, ROOT, dumps, lessons, load

HEAD = "| lesson | time | the question |\n|---|---|---|\n"


def table_of_lessons(folder: str) -> str:
    """All lessons as a table in Markdown.

    Parameters
    ----------
    folder : str
        Where the notebooks are, seen from the page, such as "notebooks/".
    """
    return HEAD + "\n".join(_row(lesson, folder) for lesson in table())


def _row(lesson, folder):
    """A lesson's row; one that is not written yet has no link and no minutes."""
    path, title = FOLDER / f"{lesson.name}.ipynb", f"{lesson.number} {lesson.title}"
    if not path.exists():
        return f"| {title} | | {lesson.question} |"
    return f"| [{title}]({folder}{path.name}) | {minutes(path)[0]} min | {lesson.question} |"


def minutes(path: Path) -> tuple[str, str]:
    """A lesson's minutes, and those of its core, as they stand in its head."""
    return re.search(r"\*\*Time:\*\* (\d+) minutes, of which the core takes (\d+)", load(path).cells[0].source).groups()


ROOMS = {
    "surfaces": ["objectives"], "models": ["models", "networks", "normalised", "recurrent"],
    "rules": ["rules.momentum", "rules.adaptive", "rules.after_adam"],
    "schedules": ["schedules"], "oracles": ["oracles"],
    "monitors": ["monitor", "torch_monitor"],
}


def with_rooms(text: str) -> str:
    """The page with the rows of ROOMS replaced by new ones, in the order of each room's `__all__`."""
    for what, rooms in ROOMS.items():
        names = [name for room in rooms for name in import_module(f"gdlib.{room}").__all__ if name != "Objective"]
        row = f"| {what} | {', '.join(f'`{name}`' for name in names)} |"
        text = re.sub(rf"^\| {what} \| `.*$", row, text, flags=re.M)
    return text


def with_map(text: str, folder: str) -> str:
    """The page with its table of lessons replaced by a new one; `folder` as for `table_of_lessons`."""
    return re.sub(re.escape(HEAD) + r"(\|.*\|(\n|$))+", lambda old: table_of_lessons(folder) + (old[2] or ""), text)


def pages() -> dict[Path, str]:
    """The text that README, the site's first page, lesson 00 and the instructor's pages should have, by path."""
    readme, site, first = ROOT / "README.md", ROOT / "docs" / "index.md", FOLDER / f"{table()[0].name}.ipynb"
    notebook = load(first)
    for cell in notebook.cells:
        cell.source = with_map(cell.source, "")
    text = with_rooms(with_map(readme.read_text(encoding="utf-8"), "notebooks/"))
    instructors = {ROOT / "instructor" / f"{path.stem}.md": path for path in lessons()}
    with_time = {page: with_minutes(page, path) for page, path in instructors.items()}
    home = with_map(site.read_text(encoding="utf-8"), "../notebooks/")
    return {readme: text, site: home, first: dumps(notebook), **with_time}


def with_minutes(page: Path, lesson: Path) -> str:
    """An instructor's page with the minutes of its lesson."""
    line = "**Alone** a person takes {} minutes, of which the core takes {}.".format(*minutes(lesson))
    return re.sub(r"^\*\*Alone\*\* a person takes .*$", line, page.read_text(encoding="utf-8"), flags=re.M)


def main():
    """Write the lists, or check them."""
    stale = {path: text for path, text in pages().items() if path.read_text(encoding="utf-8") != text}
    if "--check" in sys.argv[1:]:
        names = ", ".join(path.name for path in stale)
        sys.exit(f"{names} must have today's lists; got older ones. Run `python -m tools.lists`." if names else 0)
    for path, text in stale.items():
        path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
