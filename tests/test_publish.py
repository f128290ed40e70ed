"""The repository's address stands in one place, and `make publish` carries it everywhere without running anything."""

import json
from importlib.util import module_from_spec, spec_from_file_location

import pytest

from tests.checkout import copied, git
from tools import notebooks
from tools.publish import ROOT, current, main, publish, rewrite, strays, texts

PLACEHOLDER, ADDRESS, BRANCH = "OWNER/" + "REPO", "some-body/" + "a.course", "lessons-2"  # else this file is a stray


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return copied(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(autouse=True)
def fresh(request):
    if "copy" in request.fixturenames:
        git(request.getfixturevalue("copy"), "reset", "--quiet", "--hard")


def outputs(root):
    paths = sorted((root / "notebooks").rglob("*.ipynb"))
    cells = [cell for path in paths for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]
    return [(cell["execution_count"], cell["outputs"]) for cell in cells if cell["cell_type"] == "code"]


def checked(root):
    """What `python -m tools.notebooks check` answers there; its own module, as it read another address."""
    spec = spec_from_file_location("tools_there", root / "tools" / "notebooks.py")
    there = module_from_spec(spec)
    spec.loader.exec_module(there)
    return there.main("check")


def test_publish_leaves_no_old_address_and_every_output(copy):
    before, (old, _) = outputs(copy), current(copy)
    assert publish(copy, ADDRESS, BRANCH) == []
    assert current(copy) == (ADDRESS, BRANCH)
    assert strays(copy, old) == []
    assert not [path for path, text in texts(copy).items() if PLACEHOLDER in text]
    assert outputs(copy) == before
    assert checked(copy) == 0


def test_the_badges_the_clone_and_the_zip_name_address_and_branch(copy):
    publish(copy, ADDRESS, BRANCH)
    readme = (copy / "README.md").read_text(encoding="utf-8")
    assert f"mybinder.org/v2/gh/{ADDRESS}/{BRANCH}?urlpath=lab/tree/notebooks/00_start_here.ipynb" in readme
    assert f"git clone --branch {BRANCH} https://github.com/{ADDRESS} course" in readme
    assert f"https://github.com/{ADDRESS}/archive/refs/heads/{BRANCH}.zip" in readme
    for path in (copy / "notebooks").glob("0*.ipynb"):
        text = path.read_text(encoding="utf-8")
        assert f"colab.research.google.com/github/{ADDRESS}/blob/{BRANCH}/notebooks/{path.name}" in text
        assert rf'"home = \"https://github.com/{ADDRESS}\"\n"' in text


def test_publish_twice_changes_nothing_and_back_restores_every_byte(copy):
    old = current(copy)
    publish(copy, ADDRESS, BRANCH)
    once = texts(copy)
    publish(copy, ADDRESS, BRANCH)
    assert texts(copy) == once
    publish(copy, ADDRESS + "-2", BRANCH)  # the old name is the beginning of the new
    assert strays(copy, ADDRESS) == []
    publish(copy, *old)
    assert git(copy, "status", "--porcelain") == b""


def test_stamp_writes_badges_and_set_up_alone(tmp_path):
    lesson = notebooks.lessons()[0]
    text, path = lesson.read_text(encoding="utf-8"), tmp_path / lesson.name
    path.write_text(text.replace("mybinder.org", "old.org").replace('"SEED = 0"', '"SEED = 9"'), encoding="utf-8")
    assert notebooks.complaints(path) != []
    assert notebooks.main("stamp", str(path)) == 0
    assert path.read_text(encoding="utf-8") == text


def test_a_stray_is_named_by_file_and_line(copy):
    old, _ = current(copy)
    (copy / "instructor" / "new.md").write_text(f"First.\nSee {old} for more.\n", encoding="utf-8", newline="\n")
    assert publish(copy, ADDRESS) == ["instructor/new.md:2"]
    (copy / "instructor" / "new.md").unlink()


@pytest.mark.parametrize("text, changed", [
    ("https://github.com/a/b", "https://github.com/c/d"),
    ("(https://github.com/a/b).", "(https://github.com/c/d)."),
    ("git clone https://github.com/a/b.git", "git clone https://github.com/c/d.git"),
    ("https://github.com/a/b/blob/main/x.py", "https://github.com/c/d/blob/new/x.py"),
    ("https://github.com/a/b/blob/maintain/x.py", "https://github.com/c/d/blob/maintain/x.py"),
    ("git clone --branch main https://github.com/a/b x", "git clone --branch new https://github.com/c/d x"),
    ("https://mybinder.org/v2/gh/a/b/main?urlpath=lab", "https://mybinder.org/v2/gh/c/d/new?urlpath=lab"),
    ("https://github.com/a/b/issues", "https://github.com/c/d/issues"),
    ("https://github.com/a/b-2 https://github.com/a/b.c https://github.com/aa/b", None),
    ("the fraction a/b, the folder data/b", None),
])
def test_only_links_to_the_old_address_change(text, changed):
    assert rewrite(text, ("a/b", "main"), ("c/d", "new")) == (changed or text)


@pytest.mark.parametrize("repo", [
    "", "name", "a/b/c", "https://github.com/a/b", "a b/c", "-a/b", "a/b.git", "a/..", "a/b\n",
])
def test_an_address_that_cannot_be_one_is_refused_in_one_sentence(repo, capsys):
    before = (ROOT / "pyproject.toml").read_bytes()
    assert main(repo) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"REPO must be owner/name, as in https://github.com/owner/name; got {repo!r}. Call `make")
    assert said.count("\n") == 1 and (ROOT / "pyproject.toml").read_bytes() == before


@pytest.mark.parametrize("branch", ["", "a/b", "a b", '"', "-b"])
def test_a_branch_that_cannot_be_one_is_refused(branch, capsys):
    assert main("a/b", branch) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"BRANCH must be letters, digits, dots and dashes, without a slash; got {branch!r}. Call")


def test_outside_a_git_checkout_it_says_so(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[project.urls]\nRepository = "https://github.com/a/b"\n[tool.course]\nbranch = "main"\n'
    )
    with pytest.raises(ValueError, match="must be a git checkout; git says .* Clone it with git"):
        publish(tmp_path, "c/d")
