from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('volumes', '0009_groups'),
    ]

    operations = [
        migrations.AddField(
            model_name='snapshot',
            name='progress',
            field=models.CharField(blank=True, default='', max_length=4),
        ),
    ]
