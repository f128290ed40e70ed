"""Prediction: a guess before an experiment, and the measurement beside it afterwards."""
import operator

from gdlib.display import in_ipython
from gdlib.lessons.kit.diagnosis import show_any
from gdlib.lessons.kit.notes import as_html, note


class Prediction:
    """A question with a few choices, answered by what an experiment measures.

    The choices are `at_least` where the experiment measures a number, and `equal_to` where it names a case.

    Parameters
    ----------
    name : str
        The variable that holds this prediction, as in `ex.NAME.predict(2)`.
    question : str
        What is asked before the experiment.
    at_least : dict of str to float, optional
        Each choice and the smallest number that it stands for. It stands for all numbers from there up to the next
        larger entry, so that the choices cover all numbers from the smallest entry on.
    equal_to : dict of str to str, optional
        Each choice and the case that it stands for.
    why : str
        The reason, shown after the measurement.
    replies : dict of str to str, optional
        A choice, and what is said to who chose it and was wrong: what that thought overlooks.
    home : str, optional
        What the variable belongs to.

    Examples
    --------
    >>> q = Prediction("q", "How large?", at_least={"small": 0, "large": 10}, why="It grew.")
    >>> q.answer(9.9), q.answer(10)
    ('small', 'large')
    """

    def __init__(self, name, question, *, at_least=None, equal_to=None, why, replies=None, home="ex"):
        self.full_name = f"{home}.{name}"
        self.name, self.question, self.why = name, question, why
        self.choices, self._stands_for = (at_least, operator.le) if at_least else (equal_to, operator.eq)
        self.replies = replies or {}
        if strange := [text for text in self.replies if text not in self.choices]:
            raise ValueError(f"{name}'s replies must be to its choices, {list(self.choices)}; got {strange}.")
        self.chosen = None
        self._widgets = ()

    def answer(self, measured):
        """The choice that stands for what was measured.

        Parameters
        ----------
        measured : float or str
            The result of the experiment.

        Returns
        -------
        str
            The text of the choice.

        Raises
        ------
        ValueError
            If no choice stands for it.
        """
        reached = {value: text for text, value in self.choices.items() if self._stands_for(value, measured)}
        if not reached:
            raise ValueError(f"{self.name}'s measurement must fit one of its choices, {self.choices}; "
                             f"got {measured!r}. Check the experiment above.")
        return reached[max(reached)]

    def predict(self, number=None):
        """Ask the question, or take the answer.

        Parameters
        ----------
        number : int, optional
            The choice, counted from 1: for a front end without buttons.

        Raises
        ------
        ValueError
            If there is no choice of that number.
        """
        texts = list(self.choices)
        if number is not None:
            if isinstance(number, bool) or number not in range(1, len(texts) + 1):
                raise ValueError(f"{self.name}.predict's number must be from 1 to {len(texts)}; got {number!r}. "
                                 "Give the number that stands before your choice.")
            self.chosen = int(number) - 1
            note("question", [self.question, f"Noted: {texts[self.chosen]}"])
            return
        lines = [self.question, *(f"{i}. {text}" for i, text in enumerate(texts, start=1)),
                 f"(Without buttons here, choose by number: `{self.full_name}.predict(2)`.)"]
        note("question", lines, widget_view=self._buttons(texts) if in_ipython() else None)

    def reveal(self, measured, shown=""):
        """Show what was measured beside what was predicted; as HTML it is folded until there is a prediction.

        Parameters
        ----------
        measured : float or str
            The result of the experiment.
        shown : str, optional
            The measurement in words; without it, the number with four digits.

        Raises
        ------
        ValueError
            If no choice stands for the measurement.
        """
        answer, said, folded = self.answer(measured), "You made no prediction.", "Open to see what was measured."
        lines = [f"Measured: {shown or show_any(measured)} → {answer}"]
        if self.chosen is not None:
            choice = list(self.choices)[self.chosen]
            said, folded = f"You said: {choice}{' ✓' if choice == answer else ''}", ""
            if choice != answer and choice in self.replies:
                lines.append(self.replies[choice])
        note("question", [said, *lines, self.why], folded=folded)

    def _buttons(self, texts):
        """Radio buttons as display data; None where ipywidgets is missing."""
        try:
            import ipywidgets
        except ImportError:
            return None
        for old in self._widgets:
            old.close()
        wide = ipywidgets.Layout(width="auto")
        buttons = ipywidgets.RadioButtons(options=[(text, i) for i, text in enumerate(texts)], value=self.chosen,
                                          description="I expect:", layout=wide)
        question, noted = ipywidgets.HTML(as_html("question", [self.question])), ipywidgets.HTML()

        def choose(change):
            self.chosen = change["new"]
            noted.value = "Noted. Now run the experiment."

        buttons.observe(choose, names="value")
        box = ipywidgets.VBox([question, buttons, noted])
        self._widgets = (box, question, buttons, noted)
        return {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
