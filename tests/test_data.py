import errno
import hashlib
import re
import shutil
import sys
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest

import gdlib as gd
from tests.streaming import streamed


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
    assert set(re.findall(r"`([0-9a-f]{64})`", readme)) == {*gd.data.FILES.values(), gd.data.TRAJECTORIES}


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


def test_what_the_libraries_computed_is_there_for_every_step():
    record = gd.data.recorded()
    steps, d = record["gradients"].shape
    for name, path in record["paths"].items():
        size = record["matrix_start"].size if "uon" in name else d
        assert path.shape == (steps + 1, size) and np.isfinite(path).all(), name
        assert np.array_equal(path[0], record["matrix_start" if "uon" in name else "start"])
    assert set(record["versions"]) == {"numpy", "torch", "jax", "optax", "keras"}


def test_an_altered_record(tmp_path, monkeypatch):
    monkeypatch.setattr(gd.data, "FOLDER", tmp_path)
    with pytest.raises(FileNotFoundError, match="git checkout -- data/trajectories.json"):
        gd.data.recorded()
    (tmp_path / "trajectories.json").write_text("{}")
    with pytest.raises(ValueError, match=r"data/trajectories.json .*cut short or altered"):
        gd.data.recorded()


def test_an_unknown_name():
    with pytest.raises(ValueError, match="name must be one of digits, diabetes, parabola; got"):
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


SIZES = {
    "all different": np.arange(100),
    "each twice": np.repeat(np.arange(50), 2),
    "counts": np.random.default_rng(0).poisson(3, 200),
    "years": np.random.default_rng(0).integers(1950, 2020, 500),
    "seven of each": np.repeat(np.arange(30), 7),
    "labels": np.repeat([0, 1, 2], [20, 37, 200]),
    "far from even": np.repeat([0, 1], [25, 1000]),
    "negative": np.repeat([-1, 1], 40),
    "true and false": np.arange(90) % 3 == 0,
    "words": np.array(["cat", "dog"])[np.arange(90) % 2],
    "small integers": np.arange(5).astype(np.uint8),
    "whole floats": np.repeat(np.arange(4.0), 30),
}


@pytest.mark.parametrize("y", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("stratify", [None, False])
def test_the_parts_have_their_sizes_whatever_y_holds(y, stratify):
    parts = gd.data.split(y, seed=2, stratify=stratify)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(y)))
    assert [len(part) / len(y) for part in parts] == pytest.approx([0.6, 0.2, 0.2], abs=0.02)


@pytest.mark.parametrize("name", ["labels", "far from even", "negative", "true and false", "words"])
def test_labels_are_stratified_unless_told(name):
    y = SIZES[name]
    kinds, inverse = np.unique(y, return_inverse=True)
    for part, share in zip(gd.data.split(y, seed=2), (0.6, 0.2, 0.2), strict=True):
        np.testing.assert_allclose(np.bincount(inverse[part]) / np.bincount(inverse), share, atol=0.5 / 20 + 1e-9)
    assert all(np.array_equal(a, b) for a, b in zip(gd.data.split(y), gd.data.split(y, stratify=True), strict=True))


@pytest.mark.parametrize("name", ["all different", "each twice", "counts", "years", "seven of each", "whole floats"])
def test_targets_are_split_as_any_numbers_are(name):
    y = SIZES[name]
    plain = gd.data.split(np.linspace(0, 1, len(y)), seed=2)
    assert all(np.array_equal(a, b) for a, b in zip(gd.data.split(y, seed=2), plain, strict=True))


def test_floats_may_be_labels_when_told():
    for part in gd.data.split(np.repeat([0.0, 1.0], 50), stratify=True):
        assert (part < 50).mean() == 0.5


@pytest.mark.parametrize(("y", "stratify", "sentence"), [
    ([1, 1, 1, 1, 1, 2], True, r"at least 5 rows of each label to be stratified; got 1 of label 2\. Join"),
    ([1, 1, 1, 1, 1, 2], "yes", "stratify must be True, False or None; got 'yes'"),
    (np.arange(4), None, "at least 5 targets"),
])
def test_what_can_not_be_split(y, stratify, sentence):
    with pytest.raises(ValueError, match=sentence):
        gd.data.split(y, stratify=stratify)


@pytest.mark.parametrize(("name", "digest"), [("digits", "29f6cdddcdc984a7"), ("diabetes", "994ec16b93c90a54")])
def test_the_lessons_splits_stay_what_they_are(name, digest):
    parts = [part for seed in range(30) for part in gd.data.split(gd.data.load(name)[1], seed=seed)]
    assert hashlib.sha256(np.concatenate(parts).astype("<i8").tobytes()).hexdigest()[:16] == digest


# --- streams: tables larger than memory ---


def blocks(count, rows=1000, p=3, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        X = rng.standard_normal((rows, p))
        yield X, X.sum(axis=1)


@pytest.fixture
def stream(tmp_path):
    size = gd.data.write_stream(tmp_path / "table.npy", blocks(3, rows=700))
    stream = gd.data.open_stream(tmp_path / "table.npy")
    assert (stream.n, stream.p, stream.nbytes) == (2100, 3, 2100 * 4 * 8)
    assert size == stream.path.stat().st_size == stream.start + stream.nbytes
    return stream


def test_a_stream_is_an_ordinary_npy_file_with_the_rows_in_order(stream):
    written = np.concatenate([np.column_stack(block) for block in blocks(3, rows=700)])
    assert np.array_equal(np.load(stream.path), written)
    assert np.array_equal(stream.read(690, 30), written[690:720])
    assert stream.read(2090, 100).shape == (10, 4)


@pytest.mark.parametrize(("batch_size", "block"), [(64, 500), (100, 100), (1, 512), (2100, 8192)])
def test_an_epoch_of_a_stream_has_every_row_once_in_new_orders(stream, batch_size, block):
    whole = np.load(stream.path)
    per_epoch = sum(-(-min(block, stream.n - i) // batch_size) for i in range(0, stream.n, block))
    batches = stream.minibatches(batch_size, np.random.default_rng(0), block=block)
    epochs = []
    for _ in range(2):
        some = list(islice(batches, per_epoch))
        assert max(len(y) for _, y in some) == batch_size
        epochs.append(np.concatenate([np.column_stack(batch) for batch in some]))
        assert np.array_equal(np.sort(epochs[-1], axis=0), np.sort(whole, axis=0))
    assert not np.array_equal(*epochs)
    assert not np.array_equal(epochs[0], whole)


def test_a_stream_feeds_a_run(stream):
    rng = np.random.default_rng(0)
    sample = gd.LeastSquares(*next(stream.minibatches(2000, rng)))
    oracle = (gd.LeastSquares(X, y).grad for X, y in stream.minibatches(50, rng))
    run = gd.run(sample, gd.gradient_descent(0.1), np.zeros(4), 200, oracle=oracle)
    np.testing.assert_allclose(run.theta[-1], [1, 1, 1, 0], atol=1e-6)


@pytest.mark.parametrize("missing", [1, 8, 5000])
def test_a_stream_cut_short(stream, missing):
    content = stream.path.read_bytes()
    stream.path.write_bytes(content[:-missing])
    with pytest.raises(ValueError, match=r"table.npy must have 67,328 bytes; got .* cut short.* Write it again"):
        gd.data.open_stream(stream.path)
    with pytest.raises(ValueError, match="cut short"):  # after it was opened, too
        stream.read(0, 10)
    with pytest.raises(ValueError, match="cut short"):
        next(stream.minibatches(10, np.random.default_rng(0)))


@pytest.mark.parametrize("content", [b"", b"no table at all", b"\x93NUMPY\x01\x00v\x00{'descr'"])
def test_a_file_that_is_no_stream(tmp_path, content):
    (tmp_path / "other.npy").write_bytes(content)
    with pytest.raises(ValueError, match="other.npy must be a table of write_stream; got another file. Write it again"):
        gd.data.open_stream(tmp_path / "other.npy")


def test_tables_of_another_kind_are_no_streams(tmp_path):
    for table in (np.zeros((5, 4), np.float32), np.zeros(5), np.zeros((5, 4), order="F")):
        np.save(tmp_path / "other.npy", table)
        with pytest.raises(ValueError, match="must be a table of write_stream; got another file"):
            gd.data.open_stream(tmp_path / "other.npy")
    with pytest.raises(FileNotFoundError):
        gd.data.open_stream(tmp_path / "nothing.npy")


def test_a_disk_that_is_nearly_full(tmp_path, monkeypatch):
    free = iter([2**30, 2**30, 1000])
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=next(free)))
    with pytest.raises(OSError, match="the disk is full after 2,000 rows of table.npy, .* Free some space") as caught:
        gd.data.write_stream(tmp_path / "table.npy", blocks(4))
    assert caught.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_for_want_of_space(tmp_path, monkeypatch):
    def full(file, rows, width):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(gd.data, "_write_header", full)
    with pytest.raises(OSError, match="the disk is full after 0 rows"):
        gd.data.write_stream(tmp_path / "table.npy", blocks(1))
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_write_leaves_the_old_file(stream):
    def stopped():
        yield from blocks(1)
        raise KeyboardInterrupt

    before = stream.path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        gd.data.write_stream(stream.path, stopped())
    assert stream.path.read_bytes() == before
    assert list(stream.path.parent.iterdir()) == [stream.path]


def test_blocks_that_make_no_table(tmp_path):
    with pytest.raises(ValueError, match="blocks must hold at least one row; got none"):
        gd.data.write_stream(tmp_path / "table.npy", [])
    with pytest.raises(ValueError, match="all blocks must have 3 columns; got 5 in one"):
        gd.data.write_stream(tmp_path / "table.npy", [*blocks(1), *blocks(1, p=5)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("batch_size", [0, 2101, 2.5])
def test_a_batch_size_that_a_stream_does_not_have(stream, batch_size):
    with pytest.raises(ValueError, match="batch_size must be a whole number from 1 to 2100"):
        next(stream.minibatches(batch_size, np.random.default_rng(0)))


@pytest.mark.skipif(sys.platform == "win32", reason="the peak of a process's memory is asked of Unix here")
def test_memory_of_a_stream_does_not_grow_with_the_file():
    """128 MiB here; `python -m tests.benchmarks stream` does it with 1 GiB."""
    measured = streamed(128)
    assert measured["size"] == 128
    assert measured["growth"] < 32
    assert measured["full"] > 2 * max(measured["growth"], 16)  # what is measured does see a table that is loaded whole
    assert measured["error"] < 1e-6


EMPTY = (np.empty((0, 3)), np.empty(0))


@pytest.mark.parametrize("where", [[0], [0, 1], [1], [3], [0, 2, 5]])
@pytest.mark.parametrize("empty", [EMPTY, ([], []), (np.empty((0, 7)), [])])
def test_empty_blocks_are_passed_over(where, empty, tmp_path):
    given = list(blocks(3, rows=7))
    whole = np.concatenate([np.column_stack(block) for block in given])
    for i in where:
        given.insert(i, empty)
    gd.data.write_stream(tmp_path / "table.npy", given)
    stream = gd.data.open_stream(tmp_path / "table.npy")
    assert np.array_equal(stream.read(0, 100), whole)
    assert np.array_equal(np.load(tmp_path / "table.npy"), whole)


def test_nothing_but_empty_blocks(tmp_path):
    with pytest.raises(ValueError, match="blocks must hold at least one row; got none"):
        gd.data.write_stream(tmp_path / "table.npy", [EMPTY, EMPTY])
    assert not list(tmp_path.iterdir())


def test_blocks_may_lie_in_memory_by_columns(tmp_path):
    X, y = next(blocks(1, rows=7))
    gd.data.write_stream(tmp_path / "table.npy", [(np.asfortranarray(X), y)])
    assert np.array_equal(np.load(tmp_path / "table.npy"), np.column_stack([X, y]))
