import re

import numpy as np
import pytest

import gdlib as gd


@pytest.mark.parametrize(("name", "rows", "columns"), [("digits", 1797, 64), ("diabetes", 442, 10), ("parabola", 5, 1)])
def test_shapes(name, rows, columns):
    X, y = gd.data.load(name)
    assert X.shape == (rows, columns)
    assert y.shape == (rows,)
    assert len(gd.data.columns(name)) == columns


def test_digits_are_grey_values_and_labels():
    X, y = gd.data.load("digits")
    assert X.min() == 0
    assert X.max() == 1
    assert sorted(set(y.tolist())) == list(range(10))


def test_the_parabola_is_one():
    X, y = gd.data.load("parabola")
    assert np.array_equal(X[:, 0] ** 2, y)


def test_checksums_in_the_readme_are_the_ones_that_are_verified():
    readme = (gd.data.FOLDER / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`([0-9a-f]{64})`", readme)) == set(gd.data.FILES.values())


@pytest.fixture
def copy(tmp_path, monkeypatch):
    path = tmp_path / "diabetes.csv"
    path.write_bytes((gd.data.FOLDER / "diabetes.csv").read_bytes())
    monkeypatch.setattr(gd.data, "FOLDER", tmp_path)
    return path


def test_a_file_cut_short(copy):
    copy.write_bytes(copy.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"data/diabetes.csv .*cut short or altered.*git checkout"):
        gd.data.load("diabetes")


def test_a_file_with_one_altered_digit(copy):
    content = bytearray(copy.read_bytes())
    content[200] ^= 1
    copy.write_bytes(content)
    with pytest.raises(ValueError, match="cut short or altered"):
        gd.data.load("diabetes")


def test_a_missing_file(copy):
    copy.unlink()
    with pytest.raises(FileNotFoundError, match="git checkout -- data/diabetes.csv"):
        gd.data.load("diabetes")


def test_an_unknown_name():
    with pytest.raises(ValueError, match="there are digits, diabetes, parabola"):
        gd.data.load("iris")


@pytest.mark.parametrize("name", ["digits", "diabetes"])
def test_split(name):
    _, y = gd.data.load(name)
    parts = gd.data.split(y, seed=3)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(y)))
    assert [len(part) / len(y) for part in parts] == pytest.approx([0.6, 0.2, 0.2], abs=0.01)
    again, other = gd.data.split(y, seed=3), gd.data.split(y, seed=4)
    assert all(np.array_equal(a, b) for a, b in zip(parts, again, strict=True))
    assert not np.array_equal(parts[0], other[0])


def test_split_gives_each_part_its_share_of_every_label():
    _, y = gd.data.load("digits")
    for part, share in zip(gd.data.split(y), (0.6, 0.2, 0.2), strict=True):
        counts = np.bincount(y[part]) / np.bincount(y)
        np.testing.assert_allclose(counts, share, atol=0.01)


def test_split_refuses_a_table():
    with pytest.raises(ValueError, match=r"shape \(3, 2\)"):
        gd.data.split(np.zeros((3, 2)))
