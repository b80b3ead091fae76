"""The console's forms about users."""

from django import forms
from django.contrib.auth import forms as django_forms
from django.utils import timezone

from storage_site.identity import services
from storage_site.identity.models import ApplicationCredential, User


class UserCreationForm(django_forms.BaseUserCreationForm):
    """A new user with its first password."""

    class Meta:
        model = User
        fields = ("name", "email", "description")


class UserChangeForm(forms.ModelForm):
    """What may be changed about a user; the password has a form of its own."""

    password = django_forms.ReadOnlyPasswordHashField()

    class Meta:
        model = User
        fields = ("name", "email", "description", "default_project_id", "is_active", "password")


class PasswordForm(django_forms.SetPasswordMixin, forms.Form):
    """Another password for a user."""

    password1, password2 = django_forms.SetPasswordMixin.create_password_fields()

    def __init__(self, user: User, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self):
        """Return what was entered, if both agree and are strong enough."""
        self.validate_passwords()
        self.validate_password_for_user(self.user)
        # Django's page asks for this: passwords are never taken away here.
        self.cleaned_data["set_usable_password"] = True
        return super().clean()

    def save(self):
        """Set the password."""
        services.set_password(user=self.user, password=self.cleaned_data["password1"])
        return self.user


class ApplicationCredentialForm(forms.ModelForm):
    """A new application credential."""

    class Meta:
        model = ApplicationCredential
        fields = ("name", "user", "project", "roles", "description", "is_unrestricted", "expires_at")

    def clean(self):
        """Return what was entered, if the user holds the roles in the project."""
        entered = super().clean()
        user, project, roles = (entered.get(field) for field in ("user", "project", "roles"))
        if user and project and roles:
            held = set(user.assignments.filter(project=project).values_list("role_id", flat=True))
            if not {role.id for role in roles} <= held:
                self.add_error("roles", "The user does not hold these roles in the project.")
        ends = entered.get("expires_at")
        if ends and ends <= timezone.now():
            self.add_error("expires_at", "This time has passed.")
        return entered
