"""The console's pages about users, projects and their rights; what they change goes through the services."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from storage_site.identity import services
from storage_site.identity.forms import ApplicationCredentialForm, PasswordForm, UserChangeForm, UserCreationForm
from storage_site.identity.models import ApplicationCredential, Assignment, Project, Role, User

admin.site.unregister(Group)  # rights come from roles in projects


class ReadOnly:
    """Rows to look at only."""

    def has_add_permission(self, *_args: Any) -> bool:
        """Refuse."""
        return False

    has_change_permission = has_delete_permission = has_add_permission


class MadeOnce:
    """Rows that are made and deleted, never changed."""

    def has_change_permission(self, *_args: Any) -> bool:
        """Refuse."""
        return False


class Deletes:
    """Deletes rows by a service, together with the rights that hang on them."""

    def delete_model(self, request: HttpRequest, obj: Model) -> None:  # noqa: ARG002 - the signature is Django's
        """Delete the row."""
        self.delete_row(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet) -> None:  # noqa: ARG002
        """Delete the rows."""
        for row in queryset:
            self.delete_row(row)


class ShowsAssignments:
    """Shows the roles of a row that is there."""

    def get_inlines(self, request: HttpRequest, obj: Model | None) -> tuple:  # noqa: ARG002
        """Return what is shown below the row."""
        return (AssignmentInline,) if obj else ()


class AssignmentInline(ReadOnly, admin.TabularInline):
    """The roles of a user, or in a project."""

    model = Assignment
    extra = 0


@admin.register(User)
class UserAdmin(ShowsAssignments, Deletes, DjangoUserAdmin):
    """Users: who they are, whether they may log in, their password."""

    form, add_form, change_password_form = UserChangeForm, UserCreationForm, PasswordForm
    fieldsets = (
        (None, {"fields": ("id", "name", "password", "is_active")}),
        ("About", {"fields": ("email", "description", "default_project_id")}),
        ("Times", {"fields": ("created_at", "last_login")}),
    )
    add_fieldsets = ((None, {"fields": ("name", "email", "description", "password1", "password2")}),)
    readonly_fields = ("id", "created_at", "last_login")
    list_display = ("name", "id", "email", "is_active", "last_login")
    list_filter = ("is_active",)
    search_fields = ("name", "id", "email")
    ordering = ("name",)
    filter_horizontal = ()
    show_full_result_count = False

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm, change: bool) -> None:  # noqa: ARG002, FBT001
        """Make or change the user."""
        if change:
            services.update_user(user=obj, **_changes(form))
            return
        named = {field: form.cleaned_data[field] for field in ("name", "email", "description")}
        _become(obj, services.create_user(password=form.cleaned_data["password1"], **named))

    def delete_row(self, row: User) -> None:
        """Delete the user."""
        services.delete_user(user=row)


@admin.register(Project)
class ProjectAdmin(ShowsAssignments, Deletes, admin.ModelAdmin):
    """Projects."""

    fields = ("id", "name", "description", "is_enabled", "created_at")
    readonly_fields = ("id", "created_at")
    list_display = ("name", "id", "description", "is_enabled")
    list_filter = ("is_enabled",)
    search_fields = ("name", "id")
    show_full_result_count = False

    def save_model(self, request: HttpRequest, obj: Project, form: ModelForm, change: bool) -> None:  # noqa: ARG002, FBT001
        """Make or change the project."""
        if change:
            services.update_project(project=obj, **_changes(form))
        else:
            _become(obj, services.create_project(**form.cleaned_data))

    def delete_row(self, row: Project) -> None:
        """Delete the project."""
        services.delete_project(project=row)


@admin.register(Role)
class RoleAdmin(ReadOnly, admin.ModelAdmin):
    """Roles."""

    list_display = ("name", "id")


@admin.register(Assignment)
class AssignmentAdmin(MadeOnce, Deletes, admin.ModelAdmin):
    """Who holds which role where: granted by adding a row, revoked by deleting it."""

    fields = list_display = ("user", "project", "role")
    autocomplete_fields = ("user", "project")
    list_filter = ("role",)
    search_fields = ("user__name", "project__name")
    list_select_related = True
    show_full_result_count = False

    def save_model(self, request: HttpRequest, obj: Assignment, form: ModelForm, change: bool) -> None:  # noqa: ARG002, FBT001
        """Grant the role."""
        _become(obj, services.grant(user=obj.user, project=obj.project, role=obj.role.name))

    def delete_row(self, row: Assignment) -> None:
        """Revoke the role."""
        services.revoke(user=row.user, project=row.project, role=row.role.name)


class ApplicationCredentialAdmin(MadeOnce, Deletes, admin.ModelAdmin):
    """Application credentials: what logs programs in."""

    form = ApplicationCredentialForm
    fields = ("name", "user", "project", "roles", "description", "is_unrestricted", "expires_at")
    list_display = ("name", "id", "user", "project", "is_unrestricted", "expires_at")
    autocomplete_fields = ("user", "project")
    search_fields = ("name", "id", "user__name", "project__name")
    list_select_related = ("user", "project")
    show_full_result_count = False

    def get_fields(self, request: HttpRequest, obj: ApplicationCredential | None = None) -> tuple[str, ...]:  # noqa: ARG002
        """Return what is shown: of one that is there, also what it is known by."""
        return ("id", *self.fields, "created_at") if obj else self.fields

    def save_model(
        self,
        request: HttpRequest,
        obj: ApplicationCredential,
        form: ModelForm,
        change: bool,  # noqa: ARG002, FBT001 - the signature is Django's
    ) -> None:
        """Make the application credential and show its secret, once."""
        roles = [role.name for role in form.cleaned_data.pop("roles")]
        made, secret = services.create_application_credential(**form.cleaned_data, roles=roles)
        form.cleaned_data["roles"] = made.roles.all()  # Django writes these once more
        _become(obj, made)
        messages.warning(request, f"The secret of {made}, shown this once: {secret}")

    def delete_row(self, row: ApplicationCredential) -> None:
        """Delete the application credential."""
        services.delete_application_credential(credential=row)


# Where a Keystone checks secrets, those of our own rows would log nobody in.
if settings.IDENTITY == "embedded":
    admin.site.register(ApplicationCredential, ApplicationCredentialAdmin)


def _changes(form: ModelForm) -> dict[str, Any]:
    return {field: form.cleaned_data[field] for field in form.changed_data if field != "password"}


def _become(obj: Model, made: Model) -> None:
    """Make the form's row be the one that the service wrote: the page goes on with it."""
    obj.__dict__.update(made.__dict__)
