"""Every rule of the library, found where it is written: what gdlib/rules/*.py name in their `__all__`."""
from importlib import import_module
from pkgutil import iter_modules

import gdlib as gd
import gdlib.rules

# Muon is for matrices, `Optimizer` is what they all are: neither is made from a rate alone.
MAKERS = {
    name: getattr(gd, name)
    for room in iter_modules(gdlib.rules.__path__)
    for name in import_module(f"gdlib.rules.{room.name}").__all__
    if name not in ("muon", "Optimizer")
}
