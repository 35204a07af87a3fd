"""The settings of a Django app; libpq takes PGHOST, PGPORT, PGUSER and PGOPTIONS by itself."""
import os

SECRET_KEY = "none"
INSTALLED_APPS = ["django.contrib.contenttypes", "shop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"]}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = False
