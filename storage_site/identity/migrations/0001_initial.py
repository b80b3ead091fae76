"""Users, projects and the built-in roles."""

import django.db.models.deletion
import storage_site.identity.models
from django.conf import settings
from django.db import migrations, models


def create_roles(apps, schema_editor):
    """Make the roles that the authorisation table knows."""
    role = apps.get_model("identity", "Role")
    role.objects.using(schema_editor.connection.alias).bulk_create(
        [role(id=storage_site.identity.models.role_id(name), name=name) for name in ("admin", "member", "reader", "service")]
    )


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='User',
            fields=[
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('id', models.CharField(default=storage_site.identity.models.new_id, editable=False, max_length=32, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=255, unique=True)),
                ('description', models.CharField(blank=True, default='', max_length=255)),
                ('email', models.CharField(blank=True, default='', max_length=255)),
                ('default_project_id', models.CharField(blank=True, default='', max_length=32)),
                ('is_active', models.BooleanField(default=True, verbose_name='enabled')),
                ('credentials_stamp', models.BigIntegerField(default=storage_site.identity.models.new_stamp, editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ('name',),
            },
        ),
        migrations.CreateModel(
            name='LoginFailures',
            fields=[
                ('key', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('failures', models.PositiveIntegerField(default=0)),
                ('window_ends_at', models.DateTimeField(db_index=True)),
            ],
            options={
                'verbose_name_plural': 'login failures',
            },
        ),
        migrations.CreateModel(
            name='Project',
            fields=[
                ('id', models.CharField(default=storage_site.identity.models.new_id, editable=False, max_length=32, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=64, unique=True)),
                ('description', models.TextField(blank=True, default='')),
                ('is_enabled', models.BooleanField(default=True, verbose_name='enabled')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ('name',),
            },
        ),
        migrations.CreateModel(
            name='Revocation',
            fields=[
                ('audit_id', models.CharField(max_length=32, primary_key=True, serialize=False)),
                ('expires_at', models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name='Role',
            fields=[
                ('id', models.CharField(default=storage_site.identity.models.new_id, editable=False, max_length=32, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=64, unique=True)),
            ],
            options={
                'ordering': ('name',),
            },
        ),
        migrations.CreateModel(
            name='Assignment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='assignments', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='assignments', to='identity.project')),
                ('role', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='assignments', to='identity.role')),
            ],
            options={
                'ordering': ('project', 'user', 'role'),
                'constraints': [models.UniqueConstraint(fields=('user', 'project', 'role'), name='identity_one_assignment')],
            },
        ),
        migrations.RunPython(create_roles, migrations.RunPython.noop),
    ]
