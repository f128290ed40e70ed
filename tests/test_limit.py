"""A learner's function that never ends: the check tells so, and leaves everything as it was."""
import signal
import threading
import time

import numpy as np
import pytest

from gdlib.lessons.kit import exercise, project
from gdlib.lessons.kit.exercise import Exercise
from gdlib.lessons.kit.limit import TookTooLong, time_limit
from gdlib.lessons.kit.project import Project


def double(x):
    return 2 * x


def forever(x):
    while x == x:
        try:
            np.sin(x)
        except Exception:
            pass
    return x


def slow_beyond_one(x):
    while x > 1:
        time.sleep(0.01)
    return 2 * x


DOUBLE = Exercise(double, inputs=lambda rng: [(1.0,), (3.0,)], mistakes=[], hints=["2 * x"])


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(exercise, "SECONDS", 0.3)
    monkeypatch.setattr(project, "SECONDS", 0.3)


def test_a_function_without_an_end_is_told_with_its_call():
    for fn, call in ((forever, "double(1)"), (slow_beyond_one, "double(3)")):
        text = DOUBLE.diagnose(fn).text
        assert text.startswith("double: your function had not ended after 0.3 s. Is there a loop")
        assert text.endswith(f"The call was `{call}`.")


def test_an_open_gap_in_a_loop_without_an_end_is_not_attempted():
    def gap(x):
        while x > 0:
            y = ...
        return y

    assert DOUBLE.diagnose(gap).text == "double: not attempted yet. `ex.double.hint()` gives a first hint."


def test_a_project_without_an_end_is_told():
    def mine():
        return 1

    assert "➜ it ends: your code had not ended after 0.3 s." in Project(
        mine, points=[("it runs", lambda fn: ""), ("it ends", lambda fn: str(forever(1.0)))], hints=[]
    ).diagnose(mine).text


def test_the_stop_button_still_stops():
    with pytest.raises(KeyboardInterrupt), time_limit(5):
        signal.raise_signal(signal.SIGINT)


def test_afterwards_nothing_is_left(recwarn):
    before, threads = signal.getsignal(signal.SIGINT), threading.active_count()
    with time_limit(5):
        pass
    with pytest.raises(TookTooLong), time_limit(0.05):
        forever(1.0)
    with pytest.raises(ZeroDivisionError), time_limit(5):
        1 / 0  # noqa: B018
    assert signal.getsignal(signal.SIGINT) is before and threading.active_count() == threads


def test_a_bell_that_rings_at_the_end_rings_inside():
    for _ in range(200):
        try:
            with time_limit(0.002):
                time.sleep(0.002)
        except TookTooLong:
            pass
    time.sleep(0.05)


def test_in_another_thread_there_is_no_limit():
    done = []

    def work():
        with time_limit(0.01):
            time.sleep(0.05)
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


def test_use_says_when_the_lesson_goes_on_with_its_own_version(capsys):
    def mine(x):
        return x + x

    assert DOUBLE.use(mine) is mine and capsys.readouterr().out == ""
    assert DOUBLE.use(np.sqrt) is double
    assert capsys.readouterr().out.startswith("double: the check does not pass yet, so the lesson goes on with its own")
