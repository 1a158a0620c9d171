"""Settings of the whole site, all from the environment (see README, "Settings")."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import dj_database_url
from celery.schedules import crontab
from csp.constants import NONCE, NONE, SELF
from django.templatetags.static import static
from django.urls import reverse_lazy

from odia_site import env
from odia_site.console import CONSOLE
from odia_site.console import page as _console_page
from odia_site.service_file import read_services, secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.read("ODIA_DATA_DIR", "var")).absolute()
DEBUG = env.read_flag("ODIA_DEBUG")
SECRET_KEY = env.read("ODIA_SECRET_KEY") or secret_key(DATA_DIR)
ALLOWED_HOSTS = env.read_list("ODIA_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
ARTIFACTS = env.read("ODIA_ARTIFACTS", (DATA_DIR / "artifacts").as_uri())
SPOOL_DIR = DATA_DIR / "spool"
SPOOL_LIMIT_BYTES = int(env.read("ODIA_SPOOL_LIMIT_MB", "1024")) * 1024**2
GATEWAY_BODY_LIMIT_BYTES = int(env.read("ODIA_BODY_LIMIT_KB", "1024")) * 1024
TEACHER_CONCURRENCY = int(env.read("ODIA_TEACHER_CONCURRENCY", "512"))
TRAINING_PROCESSES = int(env.read("ODIA_TRAINING_PROCESSES", "0"))

_services = read_services(DATA_DIR)
DATABASE_URL = env.read("DATABASE_URL") or (_services.database_url if _services else "")
BROKER_URL = env.read("CELERY_BROKER_URL") or (_services.broker_url if _services else "")
GATEWAY_URL = _services.gateway_url if _services else ""

# Without a server the name below is never found: commands then say how to start one.
DATABASES = {"default": dj_database_url.parse(DATABASE_URL or "postgresql://localhost:1/odia_is_not_running")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "odia_site",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "django_htmx",
    "template_partials",
    "django_celery_beat",
    "curation",
    "training",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "odia_site.middleware.viewers_timezone",
]
ROOT_URLCONF = "odia_site.urls"
ASGI_APPLICATION = "odia_site.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

LOGIN_URL = reverse_lazy("login")
LOGIN_REDIRECT_URL = "/"
PASSWORD_RESET_TIMEOUT = 3 * 24 * 3600  # of the links by which people choose their first password
CSRF_FAILURE_VIEW = "curation.views.errors.csrf_failure"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

UNFOLD = {
    "SITE_TITLE": "ODIA",
    "SITE_HEADER": "ODIA",
    "SITE_URL": "/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("odia/icon.svg")}],
    "SIDEBAR": {
        "show_search": True,
        "navigation": [
            {"title": title, "collapsible": True, "items": [_console_page(*page) for page in pages]}
            for title, pages in CONSOLE.items()
        ],
    },
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [
    BASE_DIR / "odia_site" / "static",
    ("plotly", Path(*find_spec("plotly").submodule_search_locations) / "package_data"),  # type: ignore[union-attr, misc]
]
# Whitenoise serves the files where they lie, so that nothing has to be collected.
WHITENOISE_USE_FINDERS = True

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS = env.read_flag("ODIA_HTTPS")
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": ["/admin/"],
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:", "blob:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}

CELERY_BROKER_URL = BROKER_URL or "redis://localhost:1/0"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "training.tasks.distil": {"queue": "training"},
    "curation.tasks.label": {"queue": "io"},
    "training.tasks.autopilot": {"queue": "io"},
    "training.tasks.audit": {"queue": "io"},
    "curation.tasks.recover_jobs": {"queue": "io"},
    "curation.tasks.*_scheduled": {"queue": "io"},
    "training.tasks.*_scheduled": {"queue": "io"},
}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 12 * 3600,  # longer than the longest distillation
    "socket_connect_timeout": 2,
    "socket_timeout": 5,  # one that hangs is as good as away
    "retry_policy": {"max_retries": 1},
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1}
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE = {
    "take up jobs whose process died": {
        "task": "curation.tasks.recover_jobs",
        "schedule": 10.0,
        "options": {"expire_seconds": 10},
    },
    "delete old queries": {"task": "curation.tasks.purge_scheduled", "schedule": crontab(hour="3", minute="30")},
    "look for drift": {"task": "training.tasks.drift_scheduled", "schedule": crontab(minute="20", hour="*/4")},
    # A round that no worker took up in time is not made up for: the next one does its work.
    "ask the teachers about inline answers": {
        "task": "training.tasks.audit",
        "schedule": 10.0,
        "options": {"expire_seconds": 10},
    },
    "take the autopilot’s next steps": {
        "task": "training.tasks.autopilot",
        "schedule": 60.0,
        "options": {"expire_seconds": 60},
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    # Libraries speak up for warnings only; the project's own rooms say what they do.
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {room: {"level": "INFO"} for room in ("odia_site", "curation", "training", "celery")}
    | {"httpx": {"level": "WARNING"}},  # Celery's workers put the root at INFO
}
