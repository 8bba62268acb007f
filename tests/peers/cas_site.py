"""Settings, addresses and people of the CAS server by others (django-cas-server), all from one JSON file.

Run by the interpreter of ``.peers/python`` only: ``SANJI_CAS_CONFIG`` names the file.
"""

import json
import os
from pathlib import Path

CONFIG = json.loads(Path(os.environ["SANJI_CAS_CONFIG"]).read_text(encoding="utf-8"))

SECRET_KEY = "for tests only, " * 4
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "cas_addresses"
USE_TZ = True
LANGUAGE_CODE = "en"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
STATIC_URL = "/static/"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "cas_server",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": CONFIG["database"]}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
CAS_AUTH_CLASS = "cas_server.auth.TestAuthUser"
CAS_TEST_USER = CONFIG["user"]
CAS_TEST_PASSWORD = CONFIG["password"]
CAS_TEST_ATTRIBUTES = CONFIG["attributes"]
CAS_NEW_VERSION_HTML_WARNING = False
CAS_NEW_VERSION_EMAIL_WARNING = False
CAS_SLO_TIMEOUT = 5
CAS_SLO_MAX_PARALLEL_REQUESTS = 2
