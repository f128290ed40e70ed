"""The rules, in the order they are taught: `momentum`, `adaptive`, `after_adam`. Each is a closure, and its formula.

A rule is pure: `update(t, theta, grad, state) -> (theta, state)` for t = 1, 2, …, and keeps nothing inside, so a cell
may be run again. It gets the gradient as a function, so that it may ask for it wherever it likes.

Powers of β are `np.power(beta, t)`: `beta**t` rounds otherwise for one number than for an array of them, and a sweep
must give the bits of its single runs.
"""
