"""The learning itself: examples in, students out. Neither Django nor Celery."""

import os

# Torch's threads otherwise spin while they wait for each other: beside other work on the same cores a training step
# then takes up to fifty times as long. It is read once, when torch is first imported, as are the others.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Every batch has other shapes, and the compiled kernels of a thousand of them would be kept: a gigabyte.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "16")
os.environ.setdefault("LRU_CACHE_CAPACITY", "16")
