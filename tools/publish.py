"""Write the repository's address and branch wherever they stand. Nothing is executed; stored outputs stay.

    python -m tools.publish owner/name [branch]      # what `make publish REPO=owner/name BRANCH=main` calls

pyproject.toml holds both. Links in all text files follow it: the README, the lessons' badges and set-up cells.
Call it again with another address at any time.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
USAGE = "Call `make publish REPO=owner/name BRANCH=main`."
OWNER, NAME = r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}", r"(?!\.{1,2}$)(?!.*\.git$)[A-Za-z0-9._-]{1,100}"

# Every form in which a branch stands beside the address. A new kind of link gets a row here.
LINKS = (
    "github.com/{repo}/blob/{branch}/",
    "github.com/{repo}/tree/{branch}/",
    "github.com/{repo}/archive/refs/heads/{branch}.zip",
    "mybinder.org/v2/gh/{repo}/{branch}?",
    "colab.research.google.com/github/{repo}/blob/{branch}/",
    "--branch {branch} https://github.com/{repo}",
)


def check(repo: str, branch: str):
    """Refuse what cannot be an address on GitHub.

    Parameters
    ----------
    repo : str
        The repository, owner/name.
    branch : str
        The branch.

    Raises
    ------
    ValueError
        One of them can't be one.
    """
    if not re.fullmatch(f"{OWNER}/{NAME}", repo):
        raise ValueError(f"REPO must be owner/name, as in https://github.com/owner/name; got {repo!r}. {USAGE}")
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", branch, re.ASCII):
        raise ValueError(f"BRANCH must be letters, digits, dots and dashes, without a slash; got {branch!r}. {USAGE}")


def current(root: Path) -> tuple[str, str]:
    """The repository, owner/name, and the branch, as pyproject.toml has them."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    address = project["project"]["urls"]["Repository"].removesuffix("/")
    return address.removeprefix("https://github.com/"), project["tool"]["course"]["branch"]


def texts(root: Path) -> dict[Path, str]:
    """The text of every file of the checkout that git tracks, or that is new and not ignored.

    Raises
    ------
    ValueError
        The folder is not a git checkout.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if listed.returncode:
        raise ValueError(f"The folder must be a git checkout; git says {listed.stderr.strip()!r}. Clone it with git.")
    found = {}
    for path in {root / name for name in listed.stdout.split("\0") if name}:
        try:
            found[path] = path.read_bytes().decode("utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue  # data in bytes, a file just deleted, another repository inside this one
    return found


def named(repo: str) -> str:
    """A pattern for the repository's name that does not match a part of a longer name."""
    return rf"(?<![\w-]){re.escape(repo)}(?![\w-]|\.(?!git\b)\w)"


def rewrite(text: str, old: tuple[str, str], new: tuple[str, str]) -> str:
    """The text with every link changed from the old repository and branch to the new ones.

    Parameters
    ----------
    text : str
        Of one file.
    old, new : tuple of str
        The repository, owner/name, and the branch.
    """
    for form in LINKS:
        text = text.replace(form.format(repo=old[0], branch=old[1]), form.format(repo=new[0], branch=new[1]))
    return re.sub(rf"(?<=github\.com/){named(old[0])}", new[0], text)


def strays(root: Path, repo: str) -> list[str]:
    """The lines, file:number, that still name this repository."""
    return sorted(
        f"{path.relative_to(root).as_posix()}:{number}"
        for path, text in texts(root).items()
        for number, line in enumerate(text.splitlines(), start=1)
        if re.search(named(repo), line)
    )


def publish(root: Path, repo: str, branch: str = "main") -> list[str]:
    """Write the address and the branch in every text file of the checkout.

    Parameters
    ----------
    root : Path
        The checkout's folder.
    repo : str
        The new repository, owner/name.
    branch : str, optional
        The new branch.

    Returns
    -------
    list of str
        The lines, file:number, that still name the old repository in a form that LINKS has not.

    Raises
    ------
    ValueError
        An address or a branch that can't be one, or a folder that is not a git checkout.
    """
    check(repo, branch)
    old, new = current(root), (repo, branch)
    project = root / "pyproject.toml"  # written last, as it holds the old address
    for path, text in sorted(texts(root).items(), key=lambda item: item[0] == project):
        changed = rewrite(text, old, new)
        if path == project:
            changed = re.sub(r'(?m)^branch = ".*"$', f'branch = "{branch}"', changed)
        if changed != text:
            path.write_bytes(changed.encode("utf-8"))
    return strays(root, old[0]) if repo != old[0] else []


def main(repo: str = "", branch: str = "main") -> int:
    """Do what the command line says; the exit status."""
    try:
        old = current(ROOT)[0]
        left = publish(ROOT, repo, branch)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for line in left:
        print(f"{line} still names {old}. Change it by hand.", file=sys.stderr)
    if not left:
        print(f"The course names https://github.com/{repo}, branch {branch}. See what changed with `git diff`.")
    return bool(left)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
