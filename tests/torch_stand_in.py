"""As much of PyTorch's interface as a monitor touches, in NumPy: tensors, modules and an optimizer with their hooks.

It stands in where PyTorch is missing. Tests that use it run with PyTorch itself where that is there.
"""
from types import SimpleNamespace

import numpy as np

from gdlib.networks import _softmax


class Tensor:
    """Numbers, with the methods of `torch.Tensor` that the monitor calls; `backward` where a loss made it."""

    def __init__(self, values, backward=None):
        self.data, self.grad, self.backward = values, None, backward

    @property
    def values(self):
        return self.data.values if isinstance(self.data, Tensor) else np.asarray(self.data)

    shape = property(lambda self: self.values.shape)

    def detach(self):
        return Tensor(self.values)

    def clone(self):
        return Tensor(self.values.copy())

    def double(self):
        return Tensor(self.values.astype(float))

    def norm(self):
        return Tensor(np.sqrt((self.values**2).sum()))

    def mean(self):
        return Tensor(self.values.mean())

    def any(self, dim):
        return Tensor(self.values.any(axis=dim))

    def __sub__(self, other):
        return Tensor(self.values - other.values)

    def __ne__(self, number):
        return Tensor(self.values != number)

    def __or__(self, other):
        return Tensor(self.values | other.values)

    def __float__(self):
        return float(self.values)


class Hooks(dict):
    """Hooks by number; `register` gives the handle that removes one."""

    def register(self, hook):
        number = len(self)
        self[number] = hook
        return SimpleNamespace(remove=lambda: self.pop(number))


class Module:
    """`torch.nn.Module`: named parts, parameters, forward hooks, training and evaluation."""

    def __init__(self):
        self.training, self.forward_hooks, self.parts = True, Hooks(), {}

    def named_modules(self, prefix=""):
        yield prefix, self
        for name, part in self.parts.items():
            yield from part.named_modules(f"{prefix}.{name}" if prefix else name)

    def parameters(self, recurse=True):
        yield from getattr(self, "own", ())
        if recurse:
            for part in self.parts.values():
                yield from part.parameters()

    def register_forward_hook(self, hook):
        return self.forward_hooks.register(hook)

    def train(self, mode=True):
        for _, part in self.named_modules():
            part.training = mode

    def eval(self):
        self.train(False)

    def double(self):
        return self

    def __call__(self, *inputs):
        output = self.forward(*inputs)
        for hook in list(self.forward_hooks.values()):
            hook(self, inputs, output)
        return output


class Linear(Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight, self.bias = self.own = Tensor(np.zeros((outputs, inputs))), Tensor(np.zeros(outputs))

    def forward(self, x):
        self.x = x.values
        return Tensor(self.x @ self.weight.values.T + self.bias.values)

    def back(self, delta):
        self.weight.grad, self.bias.grad = Tensor(delta.T @ self.x), Tensor(delta.sum(axis=0))
        return delta @ self.weight.values


class ReLU(Module):
    def forward(self, x):
        self.h = np.maximum(x.values, 0)
        return Tensor(self.h)

    def back(self, delta):
        return delta * (self.h > 0)


class Tanh(Module):
    def forward(self, x):
        self.h = np.tanh(x.values)
        return Tensor(self.h)

    def back(self, delta):
        return delta * (1 - self.h**2)


class Sequential(Module):
    def __init__(self, *parts):
        super().__init__()
        self.parts = {str(i): part for i, part in enumerate(parts)}

    def forward(self, x):
        for part in self.parts.values():
            x = part(x)
        x.back = self.back
        return x

    def back(self, delta):
        for part in reversed(self.parts.values()):
            delta = part.back(delta)


class CrossEntropyLoss(Module):
    def forward(self, output, labels):
        p, rows = _softmax(output.values), np.arange(len(output.values))
        loss = -np.log(p[rows, labels.values]).mean()
        p[rows, labels.values] -= 1
        return Tensor(loss, backward=lambda: output.back(p / len(rows)))


class SGD:
    """`torch.optim.SGD` with momentum:  v ← βv + g;  θ ← θ − ηv."""

    def __init__(self, parameters, lr, momentum=0.0):
        self.param_groups = [{"params": list(parameters), "lr": lr, "momentum": momentum}]
        self.pre, self.post, self.velocity = Hooks(), Hooks(), {}

    def register_step_pre_hook(self, hook):
        return self.pre.register(hook)

    def register_step_post_hook(self, hook):
        return self.post.register(hook)

    def zero_grad(self):
        for p in self.param_groups[0]["params"]:
            p.grad = None

    def step(self, *args, **kwargs):
        for hook in list(self.pre.values()):
            hook(self, args, kwargs)
        group = self.param_groups[0]
        for i, p in enumerate(group["params"]):
            self.velocity[i] = group["momentum"] * self.velocity.get(i, 0) + p.grad.values
            p.data = p.values - group["lr"] * self.velocity[i]
        for hook in list(self.post.values()):
            hook(self, args, kwargs)


nn = SimpleNamespace(Linear=Linear, ReLU=ReLU, Tanh=Tanh, Sequential=Sequential, CrossEntropyLoss=CrossEntropyLoss)
optim = SimpleNamespace(SGD=SGD)
tensor = Tensor
