"""The same work by gdlib and by a peer, each in its own natural way, on one thread and in float64.

Each side has a fresh process, begins anew in every call, and draws its shuffles from the same seed: PyTorch then ends
at gdlib's point, to rounding, and a row says so. A peer that is not installed is reported as missing.
"""
import warnings
from importlib.util import find_spec
from statistics import median

import numpy as np

import gdlib as gd
from tests.benchmarks.measure import Row, apart, spread

STEPS, EPOCHS, BATCH = 1000, 5, 32
MODULES = {"torch": "torch", "scikit-learn": "sklearn"}  # what a package is called when imported


def peers():
    """gdlib beside PyTorch and scikit-learn: what is asked, and what came."""
    for what, ours, theirs, package, target in (
        ("1,000 steps on Rosenbrock", rosenbrock, torch_rosenbrock, "torch", 0.15),
        ("digits, 64-128-10, Adam, 5 epochs", digits, torch_digits, "torch", 0.5),
        ("digits, 64-128-10, Adam, 5 epochs", digits, sklearn_digits, "scikit-learn", 0.6),
        ("Adam, 10,000 numbers, 1,000 steps", adam, torch_adam, "torch", 0.7),
        ("regression, 100,000 × 32, an epoch", regression, torch_regression, "torch", 0.2),
    ):
        if find_spec(MODULES[package]) is None:
            yield Row(what, f"peer missing: pip install {package}")
            continue
        (seconds, point), (peer, peers_point) = apart(ours, theirs, repeats=15)
        ratio = median(seconds) / median(peer)
        yield Row(what, spread(seconds))
        yield Row(f"  {package}", spread(peer))
        if peers_point is None:
            yield Row("  ratio", f"{ratio:.3f}", f"≤ {target}", ratio <= target)
        else:
            same = np.allclose(point, peers_point, rtol=1e-6, atol=1e-9)
            told = "the same point" if same else "ANOTHER POINT"
            yield Row("  ratio", f"{told}, {ratio:.3f}", f"≤ {target}", same and ratio <= target)


def rosenbrock():
    return lambda: gd.run(gd.rosenbrock, gd.momentum(1e-4, 0.9), [-1.2, 1.0], STEPS).theta[-1]


def torch_rosenbrock():
    torch = _torch()

    def descend():
        theta = torch.tensor([-1.2, 1.0], requires_grad=True)
        opt = torch.optim.SGD([theta], lr=1e-4, momentum=0.9)
        points = [theta.detach().clone()]
        for _ in range(STEPS):
            opt.zero_grad()
            x, y = theta
            loss = (1 - x) ** 2 + 100 * (y - x**2) ** 2
            loss.backward()
            opt.step()
            points.append(theta.detach().clone())
        return torch.stack(points)[-1].numpy()

    return descend


def digits():
    model, start = _digits()
    steps = EPOCHS * -(-model.n // BATCH)

    def train():
        oracle = gd.minibatches(model, BATCH, np.random.default_rng(0))
        return gd.run(model, gd.adam(1e-3), start, steps, oracle=oracle, every=steps).theta[-1]

    return train


def torch_digits():
    torch = _torch()
    model, start = _digits()
    X, y = torch.from_numpy(model.X), torch.from_numpy(model.y)
    # gdlib's flat parameters as this network's: its matrices stand upright, torch's lie
    blocks = [torch.tensor(block.T) for block in model.blocks(start)]

    def train():
        rng = np.random.default_rng(0)
        net = torch.nn.Sequential(torch.nn.Linear(64, 128), torch.nn.Tanh(), torch.nn.Linear(128, 10))
        loss_of, opt = torch.nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=1e-3)
        with torch.no_grad():
            for parameter, block in zip(net.parameters(), blocks, strict=True):
                parameter.copy_(block)
        for _ in range(EPOCHS):
            order = torch.from_numpy(rng.permutation(len(X)))
            for rows, labels in zip(X[order].split(BATCH), y[order].split(BATCH), strict=True):
                opt.zero_grad()
                loss_of(net(rows), labels).backward()
                opt.step()
        return np.concatenate([parameter.detach().numpy().T.ravel() for parameter in net.parameters()])

    return train


def sklearn_digits():
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    X, y = gd.data.load("digits")

    def train():
        net = MLPClassifier((128,), activation="tanh", alpha=0, batch_size=BATCH, max_iter=EPOCHS, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            net.fit(X, y)

    return train


def adam():
    g = _gradient()

    def step():
        rule, theta = gd.adam(1e-3), np.zeros_like(g)
        state = rule.init(theta)
        for t in range(1, STEPS + 1):
            theta, state = rule.update(t, theta, lambda theta: g, state)
        return theta

    return step


def torch_adam():
    torch = _torch()
    g = torch.from_numpy(_gradient())

    def step():
        theta = torch.zeros_like(g, requires_grad=True)
        theta.grad = g
        opt = torch.optim.Adam([theta], lr=1e-3)
        for _ in range(STEPS):
            opt.step()
        return theta.detach().numpy()

    return step


def regression():
    model = gd.LeastSquares(*_table())
    steps = model.n // BATCH

    def train():
        oracle = gd.minibatches(model, BATCH, np.random.default_rng(0))
        rule, start = gd.gradient_descent(0.01), np.zeros(model.dim)
        return gd.run(model, rule, start, steps, oracle=oracle, every=steps).theta[-1]

    return train


def torch_regression():
    torch = _torch()
    X, y = map(torch.from_numpy, _table())
    y = y[:, None]

    def train():
        net = torch.nn.Linear(X.shape[1], 1)
        loss_of, opt = torch.nn.MSELoss(), torch.optim.SGD(net.parameters(), lr=0.01)
        for parameter in net.parameters():
            torch.nn.init.zeros_(parameter)
        order = torch.from_numpy(np.random.default_rng(0).permutation(len(X)))
        for rows, targets in zip(X[order].split(BATCH), y[order].split(BATCH), strict=True):
            opt.zero_grad()
            loss_of(net(rows), targets).backward()
            opt.step()
        return np.append(net.weight.detach().numpy(), net.bias.detach().numpy())

    return train


def _torch():
    import torch

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    return torch


def _digits():
    model = gd.MLP(*gd.data.load("digits"), hidden=(128,))
    return model, model.init(np.random.default_rng(0))


def _gradient():
    return np.random.default_rng(0).normal(size=10_000)


def _table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100_000, 32))
    return X, X @ rng.normal(size=32) + rng.normal(size=len(X))
