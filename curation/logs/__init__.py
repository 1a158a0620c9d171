"""Reading log files of an application's traffic, line by line. Neither Django nor Celery."""
