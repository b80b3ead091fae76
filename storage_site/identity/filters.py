"""How the lists of projects and users are narrowed."""

import django_filters

from storage_site.identity.models import DOMAIN_ID, Project, User


class _InDomain(django_filters.FilterSet):
    """A list within a domain, of which there is one."""

    domain_id = django_filters.CharFilter(method="only_default")

    def only_default(self, rows, _name, value):
        """Return the rows, or none for another domain."""
        return rows if value == DOMAIN_ID else rows.none()


class ProjectFilter(_InDomain):
    """Projects by name, domain, parent and whether they are enabled."""

    name = django_filters.CharFilter()
    enabled = django_filters.BooleanFilter(field_name="is_enabled")
    parent_id = django_filters.CharFilter(method="only_default")
    is_domain = django_filters.BooleanFilter(method="only_projects")

    class Meta:
        model = Project
        fields = ()

    def only_projects(self, rows, _name, value):
        """Return the rows, or none if domains are asked for: they are no projects here."""
        return rows.none() if value else rows


class UserFilter(_InDomain):
    """Users by name, domain and whether they are enabled."""

    name = django_filters.CharFilter()
    enabled = django_filters.BooleanFilter(field_name="is_active")

    class Meta:
        model = User
        fields = ()


class RoleFilter(django_filters.FilterSet):
    """Roles by name; those of a domain there are none."""

    name = django_filters.CharFilter()
    domain_id = django_filters.CharFilter(method="none_of_a_domain")

    def none_of_a_domain(self, rows, _name, _value):
        """Return nothing."""
        return rows.none()
