"""What may be told to everybody of why work on a backup was not done: by the codes of faults, without any places."""

SENTENCES = {
    "backup-chunks-gone": "Data that it relied upon were removed meanwhile.",
    "backup-damaged": "Some of its data are damaged or missing where backups are kept.",
    "backup-key-missing": "The service has not the key to the backup.",
    "backup-manifest-replaced": "What is kept under the name of the backup is not what was made last.",
    "backup-missing": "There is no such backup where backups are kept.",
    "backup-mirror-unusable": "What the service knows of the repository is being used by other work.",
    "backup-record-wrong": "What is kept is not what the record says.",
    "backup-repository-unknown": "The place where the backup should be holds other backups.",
    "backup-target-not-served": "The place where backups are kept cannot be reached.",
    "backup-target-unknown": "The place where the backup is kept is not configured any more.",
    "backup-volume-too-small": "The volume is smaller than the backup.",
}
