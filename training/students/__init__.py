"""The learning itself: examples in, students out. Neither Django nor Celery."""

import os

# Torch's threads otherwise spin while they wait for each other: beside other work on the same cores a training step
# then takes up to fifty times as long. It is read once, when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
