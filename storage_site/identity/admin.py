"""The console's pages about users, projects and roles; what they change goes through the services."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from storage_site.identity import services
from storage_site.identity.forms import PasswordForm, UserChangeForm, UserCreationForm
from storage_site.identity.models import Assignment, Project, Role, User

admin.site.unregister(Group)  # rights come from roles in projects


class ReadOnly:
    """Rows to look at only."""

    def has_add_permission(self, *_args: Any) -> bool:
        """Refuse."""
        return False

    has_change_permission = has_delete_permission = has_add_permission


class Deletes:
    """Deletes rows by a service, together with the role assignments that hang on them."""

    def delete_model(self, request: HttpRequest, obj: Model) -> None:  # noqa: ARG002 - the signature is Django's
        """Delete the row."""
        self.delete_row(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet) -> None:  # noqa: ARG002
        """Delete the rows."""
        for row in queryset:
            self.delete_row(row)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple:
        """Return what would go; that assignments are read-only does not keep their user or project."""
        listed, counts, needed, protected = super().get_deleted_objects(objs, request)
        return listed, counts, needed - {str(Assignment._meta.verbose_name)}, protected  # noqa: SLF001


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
class AssignmentAdmin(ReadOnly, admin.ModelAdmin):
    """Who holds which role where."""

    list_display = ("user", "project", "role")
    list_filter = ("role",)
    search_fields = ("user__name", "project__name")
    list_select_related = True
    show_full_result_count = False


def _changes(form: ModelForm) -> dict[str, Any]:
    return {field: form.cleaned_data[field] for field in form.changed_data if field != "password"}


def _become(obj: Model, made: Model) -> None:
    """Make the form's row be the one that the service wrote: the page goes on with it."""
    obj.__dict__.update(made.__dict__)
