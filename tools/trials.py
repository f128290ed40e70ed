"""Put claims on trial: run their cases and store the rows in data/trials.

    python -m tools.trials                        # all trials
    python -m tools.trials noise-floor --jobs 1   # this one, in one process
    python -m tools.trials --masters 1 2 3 4 5    # draw other cases: does a verdict flip? (data/trials/masters.csv)
    python -m tools.trials --ledger               # run nothing: write the ledger anew from the rows that are stored

Each row is kept as soon as its case is done. Interrupt it, start it again, and it goes on. What is stored at the end is
the same for any number of jobs and interruptions. The results are written into the ledger, data/claims.toml, too.
"""
import argparse
import csv
import hashlib
import io
import json
import os
import re
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread

from gdlib.lessons.kit import rows, trial
from gdlib.lessons.kit.ledger import LEDGER
from gdlib.progress import bar

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the processes are as many as the cores


class Part:
    """The rows of a trial that are done so far, on disk; its first line is a fingerprint of the code that made them."""

    def __init__(self, tried: trial.Trial, master: int):
        self.tried, self.master = tried, master
        self.path = rows.FOLDER / f"{tried.claim}.{master}.part"
        self.mark = f"{fingerprint(tried)}\n"
        self.lines, self.seconds = {}, 0.0
        kept = self.path.read_text(encoding="utf-8").splitlines(keepends=True) if self.path.exists() else []
        if kept[:1] == [self.mark]:
            whole = [line for line in kept[1:] if line.endswith("\n")]
            for seconds, *cells in csv.reader(whole):
                self._take(float(seconds), cells)
        else:
            whole = []
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("".join([self.mark, *whole]), encoding="utf-8", newline="\n")  # without a torn last line

    def add(self, seconds: float, cells: list[str]):
        """Keep a row."""
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow([f"{seconds:.3f}", *cells])
        with self.path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(line.getvalue())
        self._take(seconds, cells)

    def _take(self, seconds, cells):
        self.lines[int(cells[0])] = cells
        self.seconds += seconds

    def missing(self) -> list[int]:
        """The numbers of the cases that are not done."""
        return [number for number in range(len(sample(self.tried.claim, self.master))) if number not in self.lines]

    def text(self) -> str:
        """All rows, as they are stored."""
        return rows.text(self.tried, list(self.lines.values()))

    def result(self) -> dict:
        """What they come to."""
        return trial.judged(self.tried, rows.parse(self.tried, self.text()))


def fingerprint(tried: trial.Trial) -> str:
    """A hash of the file that a trial is written in: rows of an older version are not gone on with."""
    source = Path(sys.modules[tried.run.__module__].__file__).read_bytes()
    return hashlib.sha256(source + repr((tried.axes, tried.smallest, tried.most)).encode()).hexdigest()


@cache
def sample(claim: str, master: int) -> list:
    """The cases of a trial."""
    return trial.load()[claim].sample(master)


def one(claim: str, master: int, number: int) -> tuple[float, list[str]]:
    """Run one case: the seconds of a processor that it took, and its row."""
    tried, case, begin = trial.load()[claim], sample(claim, master)[number], time.process_time()
    seed = tried.seed(number, master)
    row = trial.Row(number, seed, tried.inside(case), case, tried.measured(case, seed))
    return time.process_time() - begin, rows.cells(tried, row)


def complete(parts: list[Part], jobs: int):
    """Run all cases that are missing."""
    todo = [(part, number) for part in parts for number in part.missing()]
    if jobs == 1:
        for part, number in bar(todo, unit="case"):
            part.add(*one(part.tried.claim, part.master, number))
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=end_with_parent) as pool:
        started = {pool.submit(one, part.tried.claim, part.master, number): part for part, number in todo}
        try:
            for done in bar(as_completed(started), len(started), unit="case"):
                started[done].add(*done.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def end_with_parent():
    """Let a worker process end when the one that started it is gone, however that ended."""
    def watch():
        parent_process().join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def report(part: Part, result: dict) -> str:
    """A trial's result in one line."""
    outside = f", {result['k_outside']} of {result['n_outside']} outside" if "n_outside" in result else ""
    master = f" (master seed {part.master})" if part.master else ""
    needs = f"; about {result['seeds_needed']} seeds would tell" if "seeds_needed" in result else ""
    condition = f" {result['condition']}" if " if" in result["verdict"] else ""
    return (f"{part.tried.claim}{master}: {result['verdict']}{condition}: {result['k_inside']} of {result['n_inside']} "
            f"inside{outside}, {result['too_wide']} too wide to say{needs}. {part.seconds:.0f} s")


def with_trial(text: str, claim: str, result: dict) -> str:
    """The ledger's text with a claim's table [claims.<id>.trial] written anew, below the claim's own."""
    lines = "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in result.items())
    without = re.sub(rf"\n\[claims\.{claim}\.trial\]\n(.+\n)+", "", text)
    if f"[claims.{claim}]\n" not in without:
        raise ValueError(f"data/claims.toml must have [claims.{claim}]. Add the claim before its trial is stored.")
    own = re.compile(rf"^\[claims\.{claim}\]\n(.+\n)+", re.M)
    return own.sub(lambda found: f"{found[0]}\n[claims.{claim}.trial]\n{lines}", without)


def store(parts: list[Part]):
    """Write rows and ledger."""
    for part in parts:
        rows.path(part.tried.claim).write_text(part.text(), encoding="utf-8", newline="\n")
    write_ledger([part.tried for part in parts])


def write_ledger(trials: list[trial.Trial]):
    """Write into the ledger what the stored rows of these trials come to."""
    text = LEDGER.read_text(encoding="utf-8")
    for tried in trials:
        text = with_trial(text, tried.claim, trial.judged(tried, rows.read(tried)))
    LEDGER.write_text(text, encoding="utf-8", newline="\n")


def store_masters(parts: list[Part]):
    """Write what other master seeds come to, one line each; those of other trials stay."""
    file, names = rows.FOLDER / "masters.csv", ["claim", "master", "verdict", "k_inside", "n_inside", "k_outside",
                                               "n_outside", "too_wide"]
    old = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))) if file.exists() else []
    table = {(line["claim"], int(line["master"])): line for line in old}
    for part in parts:
        key = part.tried.claim, part.master
        table[key] = dict(zip(names, key, strict=False)) | {k: v for k, v in part.result().items() if k in names}
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(table[key] for key in sorted(table))
    file.write_text(out.getvalue(), encoding="utf-8", newline="\n")


def main(arguments: list[str] | None = None):
    parser = argparse.ArgumentParser(prog="python -m tools.trials", description="Put claims on trial.")
    parser.add_argument("claims", nargs="*", metavar="CLAIM", help="its id in data/claims.toml; all that have a trial")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes; by default one per core")
    parser.add_argument("--masters", type=int, nargs="+", default=[0], help="other seeds of the drawing; not 0")
    parser.add_argument("--ledger", action="store_true", help="run nothing, write the ledger from the stored rows")
    given = parser.parse_args(arguments)
    trials = trial.load()
    if unknown := [claim for claim in given.claims if claim not in trials]:
        parser.error(f"there is no trial of {', '.join(unknown)}; there are {', '.join(sorted(trials))}")
    if given.jobs < 1:
        parser.error(f"--jobs must be at least 1; got {given.jobs}")
    if 0 in given.masters and given.masters != [0]:
        parser.error("--masters must not name 0: that is the seed of the rows that are stored")
    if given.ledger:
        write_ledger([trials[claim] for claim in given.claims or trials])
        return
    parts = [Part(trials[claim], master) for claim in given.claims or trials for master in given.masters]
    complete(parts, given.jobs)
    for part in parts:
        print(report(part, part.result()))
    (store if given.masters == [0] else store_masters)(parts)
    for part in parts:
        part.path.unlink()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("interrupted; what is done is kept: the same command goes on from there")
