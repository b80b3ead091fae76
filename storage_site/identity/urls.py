"""The addresses of the Keystone v3 calls, /identity included: to be mounted at the root.

There are none where a Keystone answers these calls itself.
"""

from django.conf import settings
from django.urls import path

from storage_site.identity.views import auth, credentials, discovery, lists, projects, roles, users

_PATHS = [
    path("identity", discovery.Versions.as_view()),
    path("identity/", discovery.Versions.as_view()),
    path("identity/v3", discovery.Version.as_view()),
    path("identity/v3/", discovery.Version.as_view()),
    path("identity/v3/auth/tokens", auth.Tokens.as_view()),
    path("identity/v3/auth/projects", auth.OwnProjects.as_view()),
    path("identity/v3/auth/domains", auth.OwnDomains.as_view()),
    path("identity/v3/auth/catalog", auth.OwnCatalog.as_view()),
    path("identity/v3/projects", projects.Projects.as_view()),
    path("identity/v3/projects/<str:project_id>", projects.OneProject.as_view()),
    path("identity/v3/projects/<str:project_id>/users/<str:user_id>/roles", roles.RolesInProject.as_view()),
    path(
        "identity/v3/projects/<str:project_id>/users/<str:user_id>/roles/<str:role_id>",
        roles.RoleInProject.as_view(),
    ),
    path("identity/v3/users", users.Users.as_view()),
    path("identity/v3/users/<str:user_id>", users.OneUser.as_view()),
    path("identity/v3/users/<str:user_id>/password", users.OwnPassword.as_view()),
    path("identity/v3/users/<str:user_id>/projects", users.ProjectsOfUser.as_view()),
    path("identity/v3/users/<str:user_id>/application_credentials", credentials.ApplicationCredentials.as_view()),
    path(
        "identity/v3/users/<str:user_id>/application_credentials/<str:credential_id>",
        credentials.OneApplicationCredential.as_view(),
    ),
    path("identity/v3/roles", roles.Roles.as_view()),
    path("identity/v3/roles/<str:role_id>", roles.OneRole.as_view()),
    path("identity/v3/role_assignments", roles.RoleAssignments.as_view()),
    path("identity/v3/domains", lists.Domains.as_view()),
    path("identity/v3/domains/<str:row_id>", lists.OneDomain.as_view()),
    path("identity/v3/services", lists.Services.as_view()),
    path("identity/v3/services/<str:row_id>", lists.OneService.as_view()),
    path("identity/v3/endpoints", lists.Endpoints.as_view()),
    path("identity/v3/endpoints/<str:row_id>", lists.OneEndpoint.as_view()),
    path("identity/v3/regions", lists.Regions.as_view()),
    path("identity/v3/regions/<str:row_id>", lists.OneRegion.as_view()),
    path("identity/v3/<path:rest>", discovery.NoSuchCall.as_view()),
]

urlpatterns = _PATHS if settings.IDENTITY == "embedded" else []
