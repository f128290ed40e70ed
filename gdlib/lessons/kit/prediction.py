"""Prediction: a guess before an experiment, the measurement after it."""
from gdlib.display import in_ipython
from gdlib.lessons.kit.diagnosis import show_any
from gdlib.lessons.kit.notes import as_html, note


class Prediction:
    """A question before an experiment; its answer is what the experiment measures.

    Parameters
    ----------
    name, question : str
    choices : dict
        Text of a choice -> predicate of the measured value; for any measurement exactly one is true.
    why : str
        The reason, shown after the measurement.
    """

    def __init__(self, name, question, choices, why):
        self.name, self.question, self.choices, self.why = name, question, dict(choices), why
        self.chosen = None
        self._widgets = ()

    def predict(self, number=None):
        """Ask; or, where there are no widgets, take the choice by its number: `predict(2)`."""
        texts = list(self.choices)
        if number is not None:
            if isinstance(number, bool) or number not in range(1, len(texts) + 1):
                raise ValueError(f"{self.name}.predict got {number!r}; expected the number of a choice, "
                                 f"1 to {len(texts)}.")
            self.chosen = int(number) - 1
            note("question", [self.question, f"Noted: {texts[self.chosen]}"])
            return
        lines = [self.question, *(f"{i}. {text}" for i, text in enumerate(texts, start=1)),
                 f"(Without buttons here, choose by number: `ex.{self.name}.predict(2)`.)"]
        note("question", lines, widget_view=self._buttons(texts) if in_ipython() else None)

    def reveal(self, measured, shown=""):
        """Put what was measured beside what was predicted; folded, where nothing was."""
        true = [text for text, holds in self.choices.items() if holds(measured)]
        if len(true) != 1:
            raise ValueError(f"{self.name}.reveal got {measured!r}, which fits {len(true)} of the choices ({true}); "
                             "expected a value that fits exactly one: check the experiment above.")
        said, folded = "You made no prediction.", "Open to see what was measured."
        if self.chosen is not None:
            choice = list(self.choices)[self.chosen]
            said, folded = f"You said: {choice}{' ✓' if choice == true[0] else ''}", ""
        note("question", [said, f"Measured: {shown or show_any(measured)} → {true[0]}", self.why], folded=folded)

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
