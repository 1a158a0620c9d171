from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "odia_site"
