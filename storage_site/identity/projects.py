"""What other apps may ask about projects."""

from django.conf import settings

from storage_site.identity.models import Project


def is_project(project_id: str) -> bool:
    """Tell whether there is such a project; where another service knows the projects, every one is believed."""
    return settings.IDENTITY != "embedded" or Project.objects.filter(pk=project_id).exists()
