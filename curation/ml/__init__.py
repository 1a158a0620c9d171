"""Finding the simple queries: pure functions on plain data, without Django and Celery."""

EMBEDDING_DIMENSIONS = 384
"""Of all-MiniLM-L6-v2, the default encoder."""
