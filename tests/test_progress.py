"""The progress bar: it moves in a notebook and in a terminal, and nothing of it stays."""

import time

import pytest

import gdlib as gd
from gdlib import progress
from gdlib.progress import bar


class Output:
    """A notebook's output, as a front end keeps it: what it showed, one after the other."""

    def __init__(self, first):
        self.shown = [first]

    def update(self, bundle, raw):
        self.shown.append(bundle)


@pytest.fixture
def outputs(monkeypatch):
    made = []

    def display(bundle, raw, display_id):
        made.append(Output(bundle))
        return made[-1]

    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", display)
    return made


def slowly(n, seconds=0.02):
    for i in range(n):
        time.sleep(seconds)
        yield i


def test_in_a_notebook_it_moves_and_ends_empty(outputs, monkeypatch):
    monkeypatch.setattr(progress, "FIRST", 0)
    monkeypatch.setattr(progress, "EVERY", 0.01)
    assert list(bar(slowly(4), 4, "chunk", "walk")) == [0, 1, 2, 3]
    (output,) = outputs
    assert output.shown[0] == output.shown[-1] == {}, "the first and the last are what is stored or compared"
    texts = [bundle["text/plain"] for bundle in output.shown[1:-1]]
    assert [text.split("|")[0] for text in texts] == ["walk:   0%", "walk:  25%", "walk:  50%", "walk:  75%"]
    assert "1/4" in texts[1] and "chunk" in texts[1]


def test_a_walk_that_is_left_early_or_fails_leaves_none_either(outputs, monkeypatch):
    monkeypatch.setattr(progress, "FIRST", 0)

    def failing():
        yield 0
        raise ArithmeticError

    for _ in bar(range(9)):
        break
    with pytest.raises(ArithmeticError):
        list(bar(failing()))
    assert [output.shown[-1] for output in outputs] == [{}, {}]


def test_a_quick_walk_shows_none(outputs):
    assert sum(bar(range(100))) == 4950
    assert gd.run(gd.himmelblau, gd.adam(0.1), [0.0, 0.0], 10, progress=True).t[-1] == 10
    assert outputs == []


def test_a_run_of_seconds_shows_one(outputs, monkeypatch):
    monkeypatch.setattr(progress, "FIRST", 0.05)

    def grad(theta):
        time.sleep(0.01)
        return theta

    f = gd.Objective("slow bowl", lambda theta: (theta**2).sum(axis=-1) / 2, grad)
    gd.run(f, gd.gradient_descent(0.1), [1.0], 20, progress=True)
    (output,) = outputs
    assert any("/21 [" in bundle.get("text/plain", "") for bundle in output.shown)
    assert output.shown[-1] == {}


def test_a_length_is_asked_for_only_where_there_is_one(outputs, capfd, monkeypatch):
    assert list(bar(slowly(2, 0))) == [0, 1]
    monkeypatch.setattr(progress, "in_notebook", lambda: False)
    assert list(bar(slowly(2, 0), label="walk")) == [0, 1]
    assert "walk" in capfd.readouterr().err
