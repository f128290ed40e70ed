"""The rules, in the order they are taught: `momentum`, `adaptive`, `after_adam`. Each is a closure, and its formula.

A rule is pure: `update(t, theta, grad, state) -> (theta, state)` for t = 1, 2, … keeps nothing inside, so a cell may be
run again. It gets the gradient as a function, so it may ask for the gradient at any point.

Powers of β are `np.power(beta, t)`: `beta**t` rounds differently for one number than for an array, and a sweep must
give the same bits as its single runs.
"""
