"""How the lists of projects and users are narrowed."""

import django_filters
from django_filters.constants import EMPTY_VALUES

from storage_site.identity.models import DOMAIN_ID, ApplicationCredential, Project, User


class Flag(django_filters.CharFilter):
    """A truth value as Keystone takes it: 0 and false are false, everything else is true."""

    def filter(self, qs, value):
        """Return the rows for which it holds."""
        return super().filter(qs, value if value in EMPTY_VALUES else value.lower() not in {"0", "false"})


class _InDomain(django_filters.FilterSet):
    """A list within a domain, of which there is one."""

    domain_id = django_filters.CharFilter(method="only_default")

    def only_default(self, rows, _name, value):
        """Return the rows, or none for another domain."""
        return rows if value == DOMAIN_ID else rows.none()


class ProjectFilter(_InDomain):
    """Projects by name, domain, parent and whether they are enabled."""

    name = django_filters.CharFilter()
    enabled = Flag(field_name="is_enabled")
    parent_id = django_filters.CharFilter(method="only_default")
    is_domain = Flag(method="only_projects")

    class Meta:
        model = Project
        fields = ()

    def only_projects(self, rows, _name, value):
        """Return the rows, or none if domains are asked for: they are no projects here."""
        return rows.none() if value else rows


class UserFilter(_InDomain):
    """Users by name, domain and whether they are enabled."""

    name = django_filters.CharFilter()
    enabled = Flag(field_name="is_active")

    class Meta:
        model = User
        fields = ()


class ApplicationCredentialFilter(django_filters.FilterSet):
    """Application credentials by name."""

    name = django_filters.CharFilter()

    class Meta:
        model = ApplicationCredential
        fields = ()


class RoleFilter(django_filters.FilterSet):
    """Roles by name; those of a domain there are none."""

    name = django_filters.CharFilter()
    domain_id = django_filters.CharFilter(method="none_of_a_domain")

    def none_of_a_domain(self, rows, _name, _value):
        """Return nothing."""
        return rows.none()
