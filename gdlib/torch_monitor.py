"""A monitor of training in PyTorch: the same record and the same picture, filled by hooks."""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gdlib.checks import check_whole
from gdlib.monitor import History, screen

if TYPE_CHECKING:
    import torch

__all__ = ["TorchMonitor"]


class TorchMonitor(History):
    """Monitor of training in PyTorch: hooks on the modules and on the optimizer, until `close()`.

    A layer is a module with parameters of its own. An entry describes one call of `optimizer.step()`: the gradient as
    the optimizer receives it, the update, the learning rate of the first group of parameters, and the loss of the same
    step, before its update. A unit of a `torch.nn.ReLU` module is dead if it gave 0 for every row since the entry
    before; evaluation (`module.eval()`) does not count. `validation_loss` and `sharpness` are nan.

    Parameters
    ----------
    module : torch.nn.Module
        Network that is trained.
    optimizer : torch.optim.Optimizer
        Its optimizer.
    loss : torch.nn.Module, optional
        Module that computes the loss, such as `torch.nn.CrossEntropyLoss()`; without it the loss is nan.
    every : int
        Distance in steps between the entries; the first step is recorded too.
    live : bool
        As in `Monitor`; `close()` shows the last picture.

    Raises
    ------
    ValueError, TypeError
        An argument is wrong, or the module has no parameters.

    Examples
    --------
    Training goes on as without a monitor::

        monitor = gd.TorchMonitor(network, optimizer, loss)
        for X, y in batches:
            optimizer.zero_grad()
            loss(network(X), y).backward()
            optimizer.step()
        monitor.close()
        monitor.show()
    """

    def __init__(
        self,
        module: torch.nn.Module,
        optimizer: torch.optim.Optimizer,
        loss: torch.nn.Module | None = None,
        *,
        every: int = 50,
        live: bool = False,
    ):
        _check_hooks(module, "module", "named_modules", "torch.nn.Module")
        _check_hooks(optimizer, "optimizer", "register_step_post_hook", "torch.optim.Optimizer of PyTorch 2 or later")
        if loss is not None:
            _check_hooks(loss, "loss", "register_forward_hook", "torch.nn.Module such as torch.nn.CrossEntropyLoss()")
        check_whole(every, "every", 1)
        named = [(_name(name, part), part) for name, part in module.named_modules()]
        own = {name: list(part.parameters(recurse=False)) for name, part in named}
        relus = {name: part for name, part in named if type(part).__name__ == "ReLU"}
        super().__init__([name for name in own if own[name]], list(relus), type(optimizer).__name__)
        if not self.layers:
            raise ValueError(f"module must have parameters; got {module!r}, which has none. Give the whole network.")
        self.every, self._steps, self._loss = every, 0, np.nan
        self._parameters, self._alive, self._before = [own[name] for name in self.layers], {}, None
        self._screen = screen() if live else None
        self._handles = [optimizer.register_step_pre_hook(self._before_step),
                         optimizer.register_step_post_hook(self._after_step)]
        self._handles += [part.register_forward_hook(self._noting(name)) for name, part in relus.items()]
        if loss is not None:
            self._handles.append(loss.register_forward_hook(self._note_loss))

    def close(self) -> None:
        """Remove all hooks, and show the last live picture, if there is one."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        if self._screen is not None:
            self._screen.end(self)
            self._screen = None

    def _noting(self, name):
        """Note which units of a module have given something else than 0 since the entry before."""

        def note(part, inputs, output):
            if part.training:
                alive, before = (output.detach() != 0).any(0), self._alive.get(name)
                same = before is not None and before.shape == alive.shape
                self._alive[name] = alive | before if same else alive

        return note

    def _note_loss(self, part, inputs, output):
        self._loss = output.detach()

    def _before_step(self, optimizer, args, kwargs):
        self._steps += 1
        if self._steps == 1 or self._steps % self.every == 0:
            self._gradient = [_length([p.grad for p in layer if p.grad is not None]) for layer in self._parameters]
            self._before = [[p.detach().clone() for p in layer] for layer in self._parameters]

    def _after_step(self, optimizer, args, kwargs):
        if self._before is None:
            return
        pairs = list(zip(self._parameters, self._before, strict=True))
        updates = [_length([p.detach() - old for p, old in zip(layer, before, strict=True)]) for layer, before in pairs]
        lengths = [_length(before) for before in self._before]
        with np.errstate(all="ignore"):  # weights of 0 give inf or nan
            ratio = np.divide(updates, lengths)
        dead = [1 - float(self._alive[name].double().mean()) if name in self._alive else np.nan for name in self.units]
        self.add(self._steps, loss=float(self._loss), lr=float(optimizer.param_groups[0]["lr"]),
                 grad_norm=self._gradient, update_ratio=ratio, dead=dead)
        self._before, self._alive = None, {}
        if self._screen is not None:
            self._screen.update(self)


def _check_hooks(thing, name, method, wanted):
    if not callable(getattr(thing, method, None)) or isinstance(thing, type):
        raise TypeError(f"{name} must be a {wanted}; got {thing!r}")


def _name(name, part):
    """Name of a module: its own, or its kind where it has none or just a number."""
    if not name.split(".")[-1].isdigit():
        return name or type(part).__name__
    return f"{type(part).__name__} {name}"


def _length(tensors):
    """Length of all tensors together; nan for none, as of a layer that has no gradient."""
    return float(np.linalg.norm([float(tensor.double().norm()) for tensor in tensors])) if tensors else np.nan
