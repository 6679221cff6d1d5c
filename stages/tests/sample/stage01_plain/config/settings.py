SECRET_KEY = "sample"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "config.urls"
