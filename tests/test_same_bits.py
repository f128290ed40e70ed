"""The same numbers are the same bits: computed by each engine, from each layout in memory, on each kernel."""
import inspect
import json
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import gdlib as gd
from gdlib.distributed.parcels import own, pack, unpack
from tests import every_layout, kernels
from tests.test_distributed import cluster

ROOT = Path(__file__).parents[1]
SOURCE = inspect.getsource(every_layout)
PLACES = ["script", "module", "function in a cell"]


def program(place, arguments, folder):
    """The command that runs tests/every_layout.py where its workers are defined in such a place."""
    if place == "script":
        script = folder / "script.py"
        script.write_text(f"{SOURCE}\n\nif __name__ == '__main__':\n    main({arguments})\n", encoding="utf-8")
        return [script]
    if place == "module":
        return ["-c", f"from tests.every_layout import main; main({arguments})"]
    cell = f"def all_of_it():\n{textwrap.indent(SOURCE, '    ')}\n    main({arguments})\n\n\nall_of_it()"
    return ["-c", f"from tests.benchmarks.measure import in_kernel; print(in_kernel({cell!r}))"]


def found_in(place, kernel, folder, address=None, rounds=1):
    """{engine: {model, layout: digest}} of a process of its own."""
    command = program(place, f"{address!r}, {rounds}", folder)
    environment = kernels.of(kernel) | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, *command], env=environment, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.strip().splitlines()[-1])


def assert_one_walk_a_model(found):
    digests = {}
    for engine, walks in found.items():
        for case, digest in walks.items():
            model, layout = case.split(", ")
            digests.setdefault(model, {}).setdefault(digest, []).append((engine, layout))
    several = {model: list(walks.values()) for model, walks in digests.items() if len(walks) > 1}
    assert not several
    assert len(digests) == 4 and len({digest for walks in digests.values() for digest in walks}) == 4


@pytest.fixture(scope="module")
def address():
    """A cluster of two workers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        with cluster(2) as found:
            yield found


@pytest.mark.parametrize("place", PLACES)
def test_engines_layouts_and_a_kill_change_no_bit(place, address, tmp_path):
    assert_one_walk_a_model(found_in(place, None, tmp_path, address))


@pytest.mark.parametrize("kernel", ["SkylakeX", "Nehalem"])
def test_on_a_kernel_that_is_not_the_machines_own(kernel, tmp_path):
    if reason := kernels.cannot(kernel):
        pytest.skip(reason)
    if kernels.architecture(kernel) == kernels.architecture(None):
        pytest.skip(f"{kernel} is the machine's own kernel, and was tested above")
    assert_one_walk_a_model(found_in("script", kernel, tmp_path))


# -- what is received --------------------------------------------------------------------------------------------------


def odd(array):
    """The same array at an odd address."""
    array = np.asarray(array)
    memory = np.empty(array.nbytes + 1, np.uint8)[1:]
    there = np.ndarray(array.shape, array.dtype, memory)
    there[...] = array
    assert not there.flags.aligned
    return there


NUMBERS = np.arange(12.0).reshape(3, 4)
ARRAYS = {
    "odd address": odd(NUMBERS),
    "columns": np.repeat(NUMBERS, 2, axis=1)[:, ::2],
    "fortran": np.asfortranarray(NUMBERS),
    "backwards": NUMBERS[::-1, ::-1],
    "broadcast": np.broadcast_to(NUMBERS[0], (3, 4)),
    "single": odd(np.float32(NUMBERS)),
    "integers": odd(NUMBERS.astype(int)),
    "complex": odd(NUMBERS + 1j),
    "one number": odd(np.float64(3)),
    "empty": np.empty((0, 4)),
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_own_arrays_are_aligned_in_c_order_and_nobody_elses(array):
    (in_tuple, one), [in_dict, word], bare = own((array, 1)), own([{"a": {"b": array}}, "word"]), own(array)
    assert (one, word, type(in_dict)) == (1, "word", dict)
    for kept in (in_tuple, in_dict["a"]["b"], bare):
        assert kept.flags.aligned and kept.flags.c_contiguous and kept.flags.writeable
        assert kept.dtype == array.dtype and np.array_equal(kept, array) and not np.shares_memory(kept, array)


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_arrays_in_objects_and_functions_are_aligned_and_without_gaps(array):
    objects = np.array([None, 0])
    objects[0] = array
    for arrived in (own({"a": SimpleNamespace(a=array)})["a"].a, unpack(pack(lambda: array))(), own(objects)[0]):
        assert arrived.flags.aligned and arrived.flags.forc
        assert arrived.dtype == array.dtype and np.array_equal(arrived, array) and not np.shares_memory(arrived, array)


class Looks:
    """A worker's object that tells how what it received lies in memory, and answers at a distance of its choice."""

    def __init__(self, *arrays):
        self.arrays = arrays

    def look(self, *arrays):
        return [(a.flags.aligned, a.flags.forc) for a in (*self.arrays, *arrays)]

    def spoil(self, theta):
        theta *= 0
        return theta

    def gaps(self):
        return ARRAYS["columns"], {"a": ARRAYS["fortran"]}


@pytest.mark.parametrize("engine", ["simulated", "processes"])
def test_what_a_worker_receives_and_answers(engine):
    theta, some = np.ones(3), list(ARRAYS.values())
    with gd.distributed.workers(lambda rank: Looks(*some), 1, engine) as pool:
        ask = lambda *call: pool.first([pool.call(0, *call)])[1]  # noqa: E731
        assert ask("look", *some, *some) == 3 * len(some) * [(True, True)]
        assert ask("spoil", theta).tolist() == [0, 0, 0] and theta.tolist() == [1, 1, 1]
        columns, box = ask("gaps")
        assert columns.flags.aligned and columns.flags.c_contiguous and box["a"].flags.c_contiguous


@pytest.mark.parametrize("engine", ["simulated", "processes"])
def test_what_make_worker_uses_is_as_it_was_when_the_pool_was_made(engine):
    rows = np.ones((5, 2))
    make_worker = lambda rank: gd.distributed.Shard(gd.LeastSquares(rows, rows[:, 0]))  # noqa: E731
    with gd.distributed.workers(make_worker, 1, engine) as pool:
        before = gd.distributed.gather(pool, "gradient", np.zeros(3), 1)[0][0]
        rows[:] = 7
        pool.restart(0)
        assert np.array_equal(gd.distributed.gather(pool, "gradient", np.zeros(3), 1)[0][0], before)


@pytest.mark.parametrize("engine", ["simulated", "processes"])
def test_what_cannot_be_sent_is_told_before_anything_starts(engine):
    lock = threading.Lock()
    sentence = "make_worker must be something that can be sent .*; got .*<lambda>: cannot pickle .*lock. object. Make"
    with pytest.raises(TypeError, match=sentence):
        gd.distributed.workers(lambda rank: lock, 1, engine)


# -- models ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", every_layout.MODELS)
def test_a_model_computes_the_same_bits_from_any_layout(name):
    make, X, y = every_layout.MODELS[name], every_layout.images[:300, :12], every_layout.digit[:300]
    theta = np.random.default_rng(0).normal(size=make(X, y).dim)
    layouts = {"as it is": (X, y), "odd address": (odd(X), odd(y)), "columns": (np.repeat(X, 2, axis=1)[:, ::2], y),
               "fortran": (np.asfortranarray(X), np.repeat(y, 3)[::3]), "upside down": (X[::-1].copy()[::-1], y)}
    models = {layout: make(*data) for layout, data in layouts.items()}
    models["taken"] = make(np.repeat(X, 2, axis=0), np.repeat(y, 2)).take(slice(None, None, 2))
    models["taken at random"] = make(X[::-1], y[::-1]).take(np.arange(300)[::-1])
    assert len({model.grad(theta).tobytes() + model(theta).tobytes() for model in models.values()}) == 1
    assert all(a.flags.aligned and a.flags.c_contiguous for model in models.values() for a in (model.X, model.y))
