from pathlib import Path

import environ

env = environ.Env()
env.read_env(Path(__file__).resolve().parent.parent / ".env")

SECRET_KEY = "sample"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "config.urls"
INSTALLED_APPS = ["django.contrib.contenttypes"]
DATABASES = {"default": env.db("DATABASE_URL")}
