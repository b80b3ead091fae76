"""What the demonstration shows of backups, step by step, from outside: a directory, S3, increments, both restores."""

import subprocess
import sys
from collections.abc import Callable

from django.conf import settings

from storage_site.fleet import demo_steps
from storage_site.fleet.demo_stage import LIMIT_S, DemoFailed, Stage, expect
from storage_site.fleet.demo_steps import attach, compare, detach, overwrite

S3 = "s3"


def back_up(stage: Stage) -> None:
    """Back the volume up to a directory: cinder backup-create."""
    _back_up(stage, "full")


def back_up_to_s3(stage: Stage) -> None:
    """Back it up to S3 as well: cinder backup-create --container s3."""
    _back_up(stage, S3, "--container", S3)


def back_up_changes(stage: Stage) -> None:
    """Back up what has changed since: cinder backup-create --incremental."""
    _back_up(stage, "increment", "--incremental")
    made = stage.settled("backups", "increment")
    expect("whether the backup is incremental", made.is_incremental, wanted=True)


def restore_to_old(stage: Stage) -> None:
    """Restore the full backup to the volume, over what was written since: cinder backup-restore --volume."""
    stage.command("demo", "backup-restore", "--volume", "demo", "full")
    stage.settled("backups", "full")
    stage.settled("volumes", "demo")


def restore_to_new(stage: Stage) -> None:
    """Restore the incremental one to a new volume: cinder backup-restore --name."""
    _restore(stage, "increment")


def restore_from_s3(stage: Stage) -> None:
    """Restore the one on S3 to a new volume."""
    _restore(stage, S3)


def compare_old(stage: Stage) -> None:
    """Attach the volume, and compare every block with what the full backup was made of."""
    _compare(stage, "demo", "full")


def compare_new(stage: Stage) -> None:
    """Attach the new volume, and compare every block with what the incremental backup was made of."""
    _compare(stage, "from increment", "increment")


def compare_from_s3(stage: Stage) -> None:
    """Attach the volume from S3, and compare every block."""
    _compare(stage, "from s3", S3)


def compare_clone(stage: Stage) -> None:
    """Attach the clone, and compare every block with what the volume held when it was cloned."""
    _compare(stage, "clone", "clone")


def delete_backups(stage: Stage) -> None:
    """Delete the backups, the full one first: cinder backup-delete."""
    stage.command("demo", "backup-delete", "full")
    stage.command("demo", "backup-delete", *(backup.id for backup in stage.client("demo").backups.list()))
    stage.gone("backups")


def collect(stage: Stage) -> None:
    """As the operator, have the repositories give their room back: celinder backup_collect, twice."""
    for _ in ("one condemns", "the next one deletes"):
        done = subprocess.run(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), "backup_collect", *stage.targets, "--wait"],
            env=stage.environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        if done.returncode:
            raise DemoFailed(f"backup_collect: {done.stderr.strip() or done.stdout.strip()}")
    expect("what is left in the repositories", stage.remains(), [])


def steps(*, with_s3: bool) -> tuple[Callable[[Stage], None], ...]:
    """Return the whole story: volumes and backups, with S3 where there is a server."""
    s3 = ((back_up_to_s3,), (restore_from_s3, compare_from_s3)) if with_s3 else ((), ())
    return (
        demo_steps.create_type,
        demo_steps.create_volume,
        attach,
        demo_steps.write_random,
        demo_steps.write_file_system,
        demo_steps.take_snapshot,
        compare,
        detach,
        demo_steps.clone,
        back_up,
        *s3[0],
        attach,
        overwrite,
        detach,
        back_up_changes,
        restore_to_old,
        compare_old,
        restore_to_new,
        compare_new,
        *s3[1],
        compare_clone,
        delete_backups,
        demo_steps.delete_everything,
        demo_steps.delete_type,
        collect,
        demo_steps.look_for_remains,
    )


def _back_up(stage: Stage, name: str, *words: str) -> None:
    stage.command("demo", "backup-create", "--name", name, *words, "demo")
    stage.settled("backups", name)
    stage.kept[name] = list(stage.blocks)


def _restore(stage: Stage, name: str) -> None:
    stage.command("demo", "backup-restore", "--name", f"from {name}", name)
    stage.settled("backups", name)
    stage.settled("volumes", f"from {name}")


def _compare(stage: Stage, volume: str, kept: str) -> None:
    """Compare a volume with what was kept, as one that attaches it sees it."""
    before = stage.volume_id, stage.blocks
    stage.volume_id, stage.blocks = stage.client("demo").volumes.find(name=volume).id, stage.kept[kept]
    attach(stage)
    compare(stage)
    detach(stage)
    stage.volume_id, stage.blocks = before
