"""The shop window: README's gallery, and the picture that each lesson opens with."""
import io
import re

import pytest
from PIL import Image

from tests.notebooks.test_contract import Images
from tools.notebooks import ROOT, lessons, load
from tools.pictures import FOLDER, LESSONS

README = (ROOT / "README.md").read_text(encoding="utf-8")
GALLERY = re.search(r"^<table>.*?^</table>$", README, re.S | re.M)[0]
PICTURE = re.compile(r"^!\[([^\]]+)\]\(\.\./(pictures/\w+\.png)\)$", re.M)


def test_the_gallery_shows_six_lessons_and_leads_to_each():
    links = re.findall(r'<a href="(notebooks/\w+\.ipynb)"><picture>', GALLERY)
    assert len(set(links)) == len(links) == 6 and all((ROOT / link).is_file() for link in links)
    images = Images(GALLERY)
    for link, image in zip(links, images.found, strict=True):
        name = link.split("/")[1].removesuffix(".ipynb")
        assert image["src"] == f"pictures/{name}.gif" and len(image["alt"]) > 60
        assert f'srcset="pictures/{name}.png"' in GALLERY, "a still for readers who asked for less motion"


@pytest.mark.parametrize("name", LESSONS)
def test_a_picture_of_the_window_is_small_and_moves(name):
    moving, still = ((FOLDER / f"{name}.{kind}").read_bytes() for kind in ("gif", "png"))
    assert len(moving) <= 60e3 and len(still) <= 60e3
    film, last = Image.open(io.BytesIO(moving)), Image.open(io.BytesIO(still))
    assert 10 <= film.n_frames <= 60 and film.size == last.size


@pytest.mark.parametrize("path", lessons(), ids=lambda path: path.stem)
def test_a_lesson_opens_with_its_picture(path):
    (found,) = PICTURE.findall(load(path).cells[0].source)
    alt, picture = found
    assert picture == f"pictures/{path.stem}.png" and (ROOT / picture).is_file()
    assert len(alt) > 60 and alt.endswith(".")
    if path.stem in GALLERY:
        assert f'alt="{alt}"' in GALLERY, "one description a picture"
