"""Records what PyTorch, optax and Keras compute, for the tests to compare with. Run by hand:

    pip install numpy==2.4.6 torch==2.13.0 optax==0.2.8 jax==0.10.2 keras==3.15.1
    KERAS_BACKEND=jax JAX_ENABLE_X64=1 python tests/references/record.py

Gradients are recorded, not computed from the iterates: with a gradient that depends on θ, rounding can be amplified
(by RMSprop to 1e-2 after 200 steps), and a test would compare noise. Writes data/trajectories.json;
floats are written with 17 digits, so that they come back to the last bit. Afterwards copy the checksum that it prints
into gdlib/data.py and data/README.md.
"""
import hashlib
import json
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import keras
import numpy as np
import optax
import torch

STEPS, D = 120, 3
RATE, DROP_AT = 0.05, 60

rng = np.random.default_rng(20)
GRADIENTS = rng.normal(size=(STEPS, D)) * [1.0, 30.0, 0.01]  # coordinates of very different size
START = rng.normal(size=D)
MATRIX = (4, 6)  # for Muon: inputs, outputs
MATRIX_GRADIENTS, MATRIX_START = rng.normal(size=(STEPS, *MATRIX)), rng.normal(size=MATRIX)


def rates(drops):
    return [RATE * (0.1 if drops and t >= DROP_AT else 1.0) for t in range(STEPS)]


def by_torch(make, drops=False):
    x = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    opt, path = make([x]), [START.tolist()]
    for g, rate in zip(GRADIENTS, rates(drops), strict=True):
        for group in opt.param_groups:
            group["lr"] = rate
        x.grad = torch.tensor(g, dtype=torch.float64)
        opt.step()
        path.append(x.detach().numpy().tolist())
    return path


def by_optax(opt):
    x = jnp.asarray(START)
    state, path = opt.init(x), [START.tolist()]
    for g in GRADIENTS:
        updates, state = opt.update(jnp.asarray(g), state, x)
        x = optax.apply_updates(x, updates)
        path.append(np.asarray(x).tolist())
    return path


def by_keras(opt, drops=False):
    x, path = keras.Variable(START, dtype="float64"), [START.tolist()]
    for g, rate in zip(GRADIENTS, rates(drops), strict=True):
        opt.learning_rate = rate
        opt.apply([jnp.asarray(g)], [x])
        path.append(np.asarray(x.value).tolist())
    return path


def muon_by_torch():
    """In 64 bits, where it halves them to 16; PyTorch's matrices are (outputs, inputs)."""
    torch.Tensor.bfloat16 = lambda self: self.clone()
    x = torch.tensor(MATRIX_START.T.copy(), requires_grad=True)
    opt, path = torch.optim.Muon([x], RATE, weight_decay=0.0), [MATRIX_START.ravel().tolist()]
    for g in MATRIX_GRADIENTS:
        x.grad = torch.tensor(g.T.copy())
        opt.step()
        path.append(x.detach().numpy().T.ravel().tolist())
    return path


def muon_by_optax(**arguments):
    x = jnp.asarray(MATRIX_START)
    opt = optax.contrib.muon(RATE, eps=0.0, **arguments)
    state, path = opt.init(x), [MATRIX_START.ravel().tolist()]
    for g in MATRIX_GRADIENTS:
        updates, state = opt.update(jnp.asarray(g), state, x)
        x = optax.apply_updates(x, updates)
        path.append(np.asarray(x).ravel().tolist())
    return path


def main():
    assert os.environ.get("KERAS_BACKEND") == "jax" and jax.config.jax_enable_x64, "see the first lines of this file"
    keras.config.set_floatx("float64")
    sgd, o = torch.optim.SGD, torch.optim
    paths = {
        "torch: SGD": by_torch(lambda p: sgd(p, RATE)),
        "torch: SGD momentum=0.9": by_torch(lambda p: sgd(p, RATE, momentum=0.9)),
        "torch: SGD momentum=0.9, rate drops": by_torch(lambda p: sgd(p, RATE, momentum=0.9), drops=True),
        "torch: SGD momentum=0.9, nesterov": by_torch(lambda p: sgd(p, RATE, momentum=0.9, nesterov=True)),
        "torch: Adagrad": by_torch(lambda p: o.Adagrad(p, RATE)),
        "torch: RMSprop alpha=0.9": by_torch(lambda p: o.RMSprop(p, RATE, alpha=0.9)),
        "torch: Adam": by_torch(lambda p: o.Adam(p, RATE)),
        "torch: Adam amsgrad": by_torch(lambda p: o.Adam(p, RATE, amsgrad=True)),
        "torch: AdamW weight_decay=0.1": by_torch(lambda p: o.AdamW(p, RATE, weight_decay=0.1)),
        "torch: Adam weight_decay=0.1": by_torch(lambda p: o.Adam(p, RATE, weight_decay=0.1)),
        "optax: sgd momentum=0.9": by_optax(optax.sgd(RATE, momentum=0.9)),
        "optax: adam": by_optax(optax.adam(RATE)),
        "optax: adamw weight_decay=0.1": by_optax(optax.adamw(RATE, weight_decay=0.1)),
        "optax: adagrad": by_optax(optax.adagrad(RATE)),
        "optax: rmsprop decay=0.9": by_optax(optax.rmsprop(RATE, decay=0.9)),
        "keras: SGD momentum=0.9": by_keras(keras.optimizers.SGD(RATE, momentum=0.9)),
        "optax: sgd momentum=0.9, nesterov": by_optax(optax.sgd(RATE, momentum=0.9, nesterov=True)),
        "optax: amsgrad": by_optax(optax.amsgrad(RATE)),
        "optax: lion weight_decay=0.1": by_optax(optax.lion(RATE, weight_decay=0.1)),
        "optax: adam eps=1e-3": by_optax(optax.adam(RATE, eps=1e-3)),
        "torch: Adam eps=1e-3": by_torch(lambda p: o.Adam(p, RATE, eps=1e-3)),
        "keras: Adam epsilon=1e-3": by_keras(keras.optimizers.Adam(RATE, epsilon=1e-3)),
        "keras: SGD momentum=0.9, rate drops": by_keras(keras.optimizers.SGD(RATE, momentum=0.9), drops=True),
        "keras: SGD momentum=0.9, nesterov": by_keras(keras.optimizers.SGD(RATE, momentum=0.9, nesterov=True)),
        "keras: Adagrad": by_keras(keras.optimizers.Adagrad(RATE)),
        "keras: RMSprop rho=0.9": by_keras(keras.optimizers.RMSprop(RATE, rho=0.9)),
        "keras: AdamW weight_decay=0.1": by_keras(keras.optimizers.AdamW(RATE, weight_decay=0.1)),
        "keras: Lion weight_decay=0": by_keras(keras.optimizers.Lion(RATE)),
        "torch: Muon in 64 bits": muon_by_torch(),
        "optax: muon": muon_by_optax(),
        "optax: muon nesterov=False": muon_by_optax(nesterov=False),
    }
    versions = {m.__name__: m.__version__ for m in (np, torch, jax, optax, keras)}
    record = {"versions": versions, "rate": RATE, "drop_at": DROP_AT, "start": START.tolist(),
              "gradients": GRADIENTS.tolist(), "matrix": MATRIX, "matrix_start": MATRIX_START.ravel().tolist(),
              "matrix_gradients": MATRIX_GRADIENTS.reshape(STEPS, -1).tolist(), "paths": paths}
    file = Path(__file__).resolve().parents[2] / "data" / "trajectories.json"
    file.write_text(json.dumps(record, separators=(",", ":")).replace('],"', '],\n"') + "\n", encoding="utf-8")
    print(f"{file.name}: {len(paths)} paths of {STEPS} steps", versions)
    print("SHA-256:", hashlib.sha256(file.read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
