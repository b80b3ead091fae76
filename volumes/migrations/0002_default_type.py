"""The type that volumes get when nobody names one exists from the start (contract 05 section 1.2)."""

from django.db import migrations


def make_default_type(apps, schema_editor):
    apps.get_model("volumes", "VolumeType").objects.get_or_create(
        name="__DEFAULT__", defaults={"description": "Default Volume Type"}
    )


class Migration(migrations.Migration):
    dependencies = [("volumes", "0001_initial")]
    operations = [migrations.RunPython(make_default_type, migrations.RunPython.noop)]
