"""Writes digits.csv, diabetes.csv and parabola.csv. Run once; the files are what the course uses.

    pip install scikit-learn==1.9.1
    python data/write.py

Afterwards copy the checksums that it prints into gdlib/data.py and data/README.md.
"""
import hashlib
from pathlib import Path

from sklearn.datasets import load_diabetes, load_digits

HERE = Path(__file__).parent


def write(name, header, rows):
    text = "\n".join([",".join(header), *(",".join(f"{value:.10g}" for value in row) for row in rows)]) + "\n"
    (HERE / name).write_bytes(text.encode())
    print(hashlib.sha256(text.encode()).hexdigest(), name, len(rows), "rows")


digits = load_digits()
write(
    "digits.csv",
    [f"pixel_{row}_{column}" for row in range(8) for column in range(8)] + ["label"],
    [[*x, y] for x, y in zip(digits.data, digits.target, strict=True)],
)
diabetes = load_diabetes(scaled=False)
write(
    "diabetes.csv",
    [*diabetes.feature_names, "progression"],
    [[*x, y] for x, y in zip(diabetes.data, diabetes.target, strict=True)],
)
write("parabola.csv", ["x", "y"], [(x, x**2) for x in range(1, 6)])
