"""Three small models for trials, whose rows may differ from run to run: so all seeds of a case walk side by side.

They are least squares, logistic regression and a network of six tanh units with squared error, all without intercepts.
"""
import numpy as np

MODELS = ("least squares", "logistic", "network")
UNITS = 6


def table(model: str, rows: int, columns: int, kappa: float, noise: float, rng: np.random.Generator) -> tuple:
    """Draw columns X (rows, columns), whose squares shrink to 1/κ from the first to the last, and targets y (rows,)."""
    X = rng.standard_normal((rows, columns)) * np.geomspace(1, kappa**-0.5, columns)
    y = X @ rng.standard_normal(columns) + noise * rng.standard_normal(rows)
    return X, {"least squares": y, "logistic": (y > 0).astype(float), "network": np.tanh(y)}[model]


def dim(model: str, columns: int) -> int:
    """Count the parameters."""
    return UNITS * (columns + 1) if model == "network" else columns


def loss(model: str, theta: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Mean loss (...) of parameters theta (..., d) over rows x (..., B, p) with targets y (..., B)."""
    z = _outputs(model, theta, x)[0]
    return np.mean(np.logaddexp(0, z) - y * z if model == "logistic" else (z - y) ** 2, axis=-1)


def slopes(model: str, theta: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Gradient (..., d) of that loss."""
    z, hidden = _outputs(model, theta, x)
    error = (1 / (1 + np.exp(-z)) - y if model == "logistic" else 2 * (z - y)) / y.shape[-1]
    last = (error[..., None, :] @ hidden)[..., 0, :]
    if model != "network":
        return last
    back = error[..., None] * theta[..., None, -UNITS:] * (1 - hidden**2)
    first = x.swapaxes(-1, -2) @ back
    return np.concatenate([first.reshape(*first.shape[:-2], -1), last], axis=-1)


def _outputs(model, theta, x):
    """The outputs, and what the last weights are multiplied by: the inputs, or the network's units."""
    if model != "network":
        return (x @ theta[..., None])[..., 0], x
    hidden = np.tanh(x @ theta[..., :-UNITS].reshape(*theta.shape[:-1], x.shape[-1], UNITS))
    return (hidden @ theta[..., -UNITS:, None])[..., 0], hidden
