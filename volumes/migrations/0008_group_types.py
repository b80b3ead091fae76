"""Group types; the one of consistency groups exists from the start (contract 06 section 5)."""

import uuid

import django.utils.timezone
from django.db import migrations, models


def make_reserved_type(apps, schema_editor):
    apps.get_model("volumes", "GroupType").objects.get_or_create(
        pk=uuid.UUID("2d1f6b0e-8a3c-4c57-9d38-7f5a0d1f1c11"),
        defaults={
            "name": "default_cgsnapshot_type",
            "description": "The type of consistency groups",
            "group_specs": {"consistent_group_snapshot_enabled": "<is> True"},
        },
    )


class Migration(migrations.Migration):
    dependencies = [("volumes", "0007_qos_defaults_and_encryption")]

    operations = [
        migrations.CreateModel(
            name="GroupType",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=255, unique=True)),
                ("description", models.CharField(blank=True, max_length=255, null=True)),
                ("is_public", models.BooleanField(default=True)),
                ("group_specs", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(editable=False, null=True)),
            ],
            options={"indexes": [models.Index(fields=["-created_at", "-id"], name="group_type_listing")]},
        ),
        migrations.RunPython(make_reserved_type, migrations.RunPython.noop),
    ]
