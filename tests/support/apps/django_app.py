"""Django's own administration: `python django_app.py PORT DATABASE cloud-run|direct`."""

import sys

import django
from django.conf import settings
from django.core.management import call_command
from django.core.servers.basehttp import run
from django.core.wsgi import get_wsgi_application
from django.urls import path

PASSWORD = "correct horse"

_PORT, _DATABASE, _PLACE = int(sys.argv[1]), sys.argv[2], sys.argv[3]
_IN_TLS = _PLACE == "cloud-run"
"""As Django is set up there, its cookies are for https only."""
settings.configure(
    DEBUG=False,
    SECRET_KEY="of a test",
    ALLOWED_HOSTS=["localhost", "127.0.0.1"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": _DATABASE}},
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    TEMPLATES=[
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
    ],
    STATIC_URL="/static/",
    SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https") if _IN_TLS else None,
    SECURE_HSTS_SECONDS=31536000,
    SESSION_COOKIE_SECURE=_IN_TLS,
    CSRF_COOKIE_SECURE=_IN_TLS,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

from django.contrib import admin  # noqa: E402 -- it needs the settings
from django.contrib.auth.models import User  # noqa: E402 -- it needs the settings

urlpatterns = [path("admin/", admin.site.urls)]

if __name__ == "__main__":
    sys.modules["django_app"] = sys.modules["__main__"]
    call_command("migrate", verbosity=0)
    User.objects.create_superuser("anna", password=PASSWORD)
    run("127.0.0.1", _PORT, get_wsgi_application(), threading=True)
