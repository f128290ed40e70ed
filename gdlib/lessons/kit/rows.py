"""The rows of a trial on disk, data/trials/<claim>.csv: one a case, with its seed, its parameters and its outcome."""
import csv
import io
from collections.abc import Sequence
from pathlib import Path

from gdlib import data
from gdlib.lessons.kit.intervals import Outcome
from gdlib.lessons.kit.trial import Row, Trial

FOLDER = data.FOLDER / "trials"
BEFORE, AFTER = ["case", "seed", "condition"], ["effect", "low", "high", "says"]


def path(claim: str) -> Path:
    """Where a claim's rows are."""
    return FOLDER / f"{claim}.csv"


def head(trial: Trial) -> list[str]:
    """The names of the columns."""
    return [*BEFORE, *trial.axes, *AFTER]


def cells(trial: Trial, row: Row) -> list[str]:
    """A row as the file has it; parameters to the last bit, outcomes to nine digits."""
    parameters = [repr(value) if isinstance(value, float) else str(value)
                  for value in (getattr(row.case, name) for name in trial.axes)]
    side = "met" if row.inside else "not met"
    return [str(row.number), str(row.seed), side, *parameters, *(f"{x:.9g}" for x in row.outcome),
            trial.says(row.outcome)]


def text(trial: Trial, lines: Sequence[Sequence[str]]) -> str:
    """The whole file, from its rows' cells, in the order of the cases."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head(trial))
    writer.writerows(sorted(lines, key=lambda line: int(line[0])))
    return out.getvalue()


def parse(trial: Trial, content: str) -> list[Row]:
    """The rows of a file's content.

    Raises
    ------
    ValueError
        Its columns are not those of the trial.
    """
    lines = list(csv.DictReader(io.StringIO(content)))
    if lines and list(lines[0]) != head(trial):
        raise ValueError(f"data/trials/{trial.claim}.csv must have the columns {', '.join(head(trial))}; got "
                         f"{', '.join(map(str, lines[0]))}. Run python -m tools.trials {trial.claim}")
    return [_row(trial, line) for line in lines]


def read(trial: Trial) -> list[Row]:
    """The rows that are stored of a trial.

    Raises
    ------
    FileNotFoundError
        There are none.
    """
    if not path(trial.claim).exists():
        raise FileNotFoundError(f"data/trials/{trial.claim}.csv must exist; got no such file. Run python -m "
                                f"tools.trials {trial.claim}, or: " + data.how_to_restore(f"trials/{trial.claim}.csv"))
    return parse(trial, path(trial.claim).read_text(encoding="utf-8"))


def masters(claim: str) -> list[str]:
    """The verdicts with cases drawn anew from other master seeds, as masters.csv has them."""
    with (FOLDER / "masters.csv").open(encoding="utf-8", newline="") as file:
        return [line["verdict"] for line in csv.DictReader(file) if line["claim"] == claim]


def _row(trial, line):
    values = {name: _value(axis, line[name]) for name, axis in trial.axes.items()}
    outcome = Outcome(*(float(line[name]) for name in ("effect", "low", "high")))
    return Row(int(line["case"]), int(line["seed"]), line["condition"] == "met", trial.case(**values), outcome)


def _value(axis, text):
    if axis.values and isinstance(axis.values[0], str):
        return text
    return int(text) if axis.whole else float(text)
