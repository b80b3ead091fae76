"""What holds in every environment; each deployment choice is one environment variable."""

import socket
from datetime import timedelta
from pathlib import Path

import dj_database_url

from storage_site import queues
from storage_site.settings import environment as env
from storage_site.settings import keystone

BASE_DIR = Path(__file__).resolve().parent.parent.parent
DATA_DIR = Path(env.text("CELINDER_DATA_DIR", str(BASE_DIR / "data"))).absolute()
NODE_HOST = env.text("CELINDER_HOST", socket.gethostname())
# The host of "host@backend#pool": the same for all processes of a deployment, wherever they run.
CLUSTER_HOST = env.text("CELINDER_CLUSTER", "celinder")

DEBUG = False
ALLOWED_HOSTS = env.words("CELINDER_ALLOWED_HOSTS", "*")
INSTALLED_APPS = [
    "storage_site.console.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "storage_site",
    "storage_site.identity",
    "storage_site.idempotency",
    "storage_site.operations",
    "storage_site.watching",
    "volumes",
    "scheduling",
    "backups",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "storage_site.watching.requests.CountingMiddleware",
    "storage_site.api.middleware.RequestIdMiddleware",
    "storage_site.api.middleware.BodySizeMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "storage_site.identity.middleware.LoginLimitMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "storage_site.urls"
WSGI_APPLICATION = "storage_site.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "identity.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = "storage_site.formats"
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("CELINDER_STATIC_DIR", str(BASE_DIR / "staticfiles")))
WHITENOISE_USE_FINDERS = True
LOGIN_URL = "/admin/login/"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# --- database: SQLite unless DATABASE_URL says otherwise -----------------------------------------------------
SQLITE_OPTIONS = {
    # A writer takes its lock when the transaction begins, so none is refused half way through.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    # FULL: an accepted request survives a power cut, not only a crash of the process.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000;",
}
DATABASE_URL = env.text("DATABASE_URL", f"sqlite:///{DATA_DIR / 'celinder.sqlite3'}")
DATABASES = {"default": dj_database_url.parse(DATABASE_URL, conn_max_age=60, conn_health_checks=True)}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
ATOMIC_REQUESTS = False

# --- broker and workers --------------------------------------------------------------------------------------
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", f"redis+socket://{DATA_DIR / 'run' / 'broker.sock'}?virtual_host=0")
CELERY_BROKER_TRANSPORT_OPTIONS = env.table("CELINDER_BROKER_OPTIONS", {})
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_TASK_DEFAULT_QUEUE = "scheduler"
CELERY_TASK_DEFAULT_DELIVERY_MODE = "transient"
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = env.number("CELINDER_CONCURRENCY", 8)
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BEAT_SCHEDULER = "storage_site.beat:LocalScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
# How often each queue is given a small piece of work, to see that a worker takes it; 0 = never.
CANARY_INTERVAL_S = env.number("CELINDER_CANARY_INTERVAL_S", 30)
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "storage_site.operations.tasks.sweep",
        "schedule": env.number("CELINDER_SWEEP_INTERVAL_S", 10),
    },
    "idempotency keys": {"task": "storage_site.idempotency.tasks.forget", "schedule": 300},
    "upkeep of backups": {"task": "backups.tasks.begin_what_is_due", "schedule": 60},
    "tallies": {"task": "storage_site.watching.tasks.add_up", "schedule": 60},
}
if CANARY_INTERVAL_S:
    CELERY_BEAT_SCHEDULE["canaries"] = {
        "task": "storage_site.watching.tasks.send_canaries",
        "schedule": CANARY_INTERVAL_S,
    }

# --- operations (seconds) ------------------------------------------------------------------------------------
LEASE_S = env.number("CELINDER_LEASE_S", 30)
REPORT_INTERVAL_S = env.number("CELINDER_REPORT_INTERVAL_S", 10)
SERVICE_DOWN_S = env.number("CELINDER_SERVICE_DOWN_S", 60)
WEB_THREADS = env.number("CELINDER_WEB_THREADS", 16)
CONNECT_WAIT_S = env.number("CELINDER_CONNECT_WAIT_S", 60)

# --- watching ------------------------------------------------------------------------------------------------
# Who may read /metrics and how queues do at /healthz: this host, and whoever has this token (or that of …_TOKEN_FILE).
WATCH_TOKEN = env.secret("CELINDER_WATCH_TOKEN")
WATCH_FROM_LOOPBACK = env.flag("CELINDER_WATCH_FROM_LOOPBACK", default=True)

# --- storage -------------------------------------------------------------------------------------------------
# Key = back-end name = queue suffix (volume-<key>) = Volume.backend. A JSON object or a TOML file.
STORAGE_BACKENDS = env.table("CELINDER_BACKENDS", {"local": {"driver": "local", "path": str(DATA_DIR / "local")}})
STORAGE_AVAILABILITY_ZONE = env.text("CELINDER_AVAILABILITY_ZONE", "nova")
DEFAULT_VOLUME_TYPE = env.text("CELINDER_DEFAULT_VOLUME_TYPE", "__DEFAULT__")
# The group type that `group_types/default` shows; "" for none. No call falls back to it.
DEFAULT_GROUP_TYPE = env.text("CELINDER_DEFAULT_GROUP_TYPE", "")
SCHEDULER_FILTERS = env.words("CELINDER_SCHEDULER_FILTERS", "AvailabilityZoneFilter,CapacityFilter,CapabilitiesFilter")
SCHEDULER_WEIGHERS = env.words("CELINDER_SCHEDULER_WEIGHERS", "CapacityWeigher")
# Weigher → number, where it is to count otherwise than usual; negative: the least comes first.
SCHEDULER_WEIGHT_MULTIPLIERS = env.table("CELINDER_SCHEDULER_WEIGHT_MULTIPLIERS", {})
# StochasticHostWeightHandler: a lottery with the weights as shares.
SCHEDULER_WEIGHT_HANDLER = env.text("CELINDER_SCHEDULER_WEIGHT_HANDLER", "OrderedHostWeightHandler")
SCHEDULER_MAX_ATTEMPTS = env.number("CELINDER_SCHEDULER_MAX_ATTEMPTS", 3)
# For pools that report none of their own: a number, or auto.
SCHEDULER_MAX_OVER_SUBSCRIPTION_RATIO = env.text("CELINDER_SCHEDULER_MAX_OVER_SUBSCRIPTION_RATIO", "20.0")
QUOTA_DEFAULTS = {
    "volumes": env.number("CELINDER_QUOTA_VOLUMES", 10),
    "per_volume_gigabytes": -1,
    "snapshots": 10,
    "gigabytes": env.number("CELINDER_QUOTA_GIGABYTES", 1000),
    "backups": 10,
    "backup_gigabytes": 1000,
    "groups": 10,
}

# --- backups -------------------------------------------------------------------------------------------------
BACKUPS_DIR = DATA_DIR / "backups"
# Key = target = the container that clients may name. A JSON object or a TOML file.
BACKUP_TARGETS = env.table("CELINDER_BACKUP_TARGETS", {"volumebackups": {"driver": "posix", "path": str(BACKUPS_DIR)}})
BACKUP_DEFAULT_TARGET = env.text("CELINDER_BACKUP_DEFAULT_TARGET")  # "" = the first one
# Master keys, one a line, the current one first; whoever has this file can read every backup.
# Only hosts with a backup worker need it; on others: none.
BACKUP_KEY_FILE = env.path("CELINDER_BACKUP_KEY_FILE", DATA_DIR / "backup.keys")
# At once in each backup worker: a job takes up to 128 MiB of memory.
QUEUE_SLOTS = {queues.BACKUP: env.number("CELINDER_BACKUP_JOBS", 2)}
BACKUP_INDEX_CACHE_MIB = env.number("CELINDER_BACKUP_INDEX_CACHE_MIB", 2048)
# What a worker that dies leaves to be done once more, at most; others go on from there.
BACKUP_CHECKPOINT_MIB = env.number("CELINDER_BACKUP_CHECKPOINT_MIB", 256)
BACKUP_PROJECT_MAX_MIB_PER_S = env.number("CELINDER_BACKUP_PROJECT_MAX_MIB_PER_S", 0)  # 0 = no limit
# Of a row of incremental backups every n-th reads the whole volume, whatever is known of changes.
BACKUP_FULL_READ_EVERY = env.number("CELINDER_BACKUP_FULL_READ_EVERY", 10)
BACKUP_COLLECT_INTERVAL_S = env.number("CELINDER_BACKUP_COLLECT_INTERVAL_S", 6 * 3600)  # 0 = never by itself
BACKUP_VERIFY_INTERVAL_S = env.number("CELINDER_BACKUP_VERIFY_INTERVAL_S", 24 * 3600)
BACKUP_VERIFY_PERCENT = env.number("CELINDER_BACKUP_VERIFY_PERCENT", 5)  # of the data, each time

# --- moving volumes ------------------------------------------------------------------------------------------
# This much between two looks at how far it is, and a checkpoint so often.
MOVE_WINDOW_MIB = env.number("CELINDER_MOVE_WINDOW_MIB", 64)
MOVE_CHECKPOINT_S = env.number("CELINDER_MOVE_CHECKPOINT_S", 10)
MOVE_MAX_MIB_PER_S = env.number("CELINDER_MOVE_MAX_MIB_PER_S", 0)  # each; 0 = no limit
MOVE_JOBS = env.number("CELINDER_MOVE_JOBS", 2)  # at once, of each volume worker

# --- images --------------------------------------------------------------------------------------------------
# The image service that volumes are made from and kept in; "" = none. Workers fetch into a directory of their own.
IMAGE_ENDPOINT = env.text("CELINDER_IMAGE_ENDPOINT")
IMAGE_TIMEOUT_S = env.number("CELINDER_IMAGE_TIMEOUT_S", 30)  # of a worker's calls; requests wait 5 s at most
IMAGE_CA_FILE = env.text("CELINDER_IMAGE_CA_FILE")
IMAGE_SCRATCH_DIR = Path(env.text("CELINDER_IMAGE_SCRATCH_DIR", str(DATA_DIR / "images")))
IMAGE_JOBS = env.number("CELINDER_IMAGE_JOBS", 2)  # at once, of each volume worker
IMAGE_FORCED_UPLOAD = env.flag("CELINDER_IMAGE_FORCED_UPLOAD")  # whether volumes in use may be kept as images

# --- identity ------------------------------------------------------------------------------------------------
# Who knows whose a token is: we ourselves, or a Keystone; and what asks them.
IDENTITY_MODES = {
    "embedded": "storage_site.identity.authentication.TokenAuthentication",
    "keystone": "storage_site.identity.keystone.KeystoneAuthentication",
}
IDENTITY = env.choice("CELINDER_IDENTITY", "embedded", IDENTITY_MODES)
KEYSTONE = keystone.of_environment()
# The compute service, asked whether a server uses an attachment that somebody else wants to end: its address, in which
# %(project_id)s may stand; "" = where the catalog of a Keystone has one, none = nobody is asked.
COMPUTE_ENDPOINT = env.text("CELINDER_COMPUTE_ENDPOINT")
COMPUTE_TIMEOUT_S = env.number("CELINDER_COMPUTE_TIMEOUT_S", 10)
COMPUTE_CA_FILE = env.text("CELINDER_COMPUTE_CA_FILE", KEYSTONE["ca_file"])
TOKEN_LIFETIME = timedelta(seconds=env.number("CELINDER_TOKEN_LIFETIME_S", 3600))
PUBLIC_ENDPOINT = env.text("CELINDER_PUBLIC_ENDPOINT")  # "" = as the client's Host header says
REGION = env.text("CELINDER_REGION", "RegionOne")
AUTHENTICATION_BACKENDS = ["storage_site.identity.passwords.PasswordBackend"]
# Log-ins that may fail under one name at one address in a window; per address 3 times as many, per name 10 times.
LOGIN_FAILURES = env.number("CELINDER_LOGIN_FAILURES", 10)
LOGIN_WINDOW_S = env.number("CELINDER_LOGIN_WINDOW_S", 300)
# Networks whose X-Forwarded-For is believed when failures are counted by address ("unix": a proxy on a unix socket).
TRUSTED_PROXIES = env.words("CELINDER_TRUSTED_PROXIES")

# --- API -----------------------------------------------------------------------------------------------------
API_MAX_LIMIT = 1000
API_MAX_BODY_BYTES = 114688
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        IDENTITY_MODES[IDENTITY],
        "storage_site.identity.authentication.ConsoleAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["storage_site.api.authorisation.RouteAuthorisation"],
    "DEFAULT_PARSER_CLASSES": [
        "storage_site.api.parsers.StrictJSONParser",
        "storage_site.api.parsers.StrictXMLParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": [
        "storage_site.api.renderers.ContractJSONRenderer",
        "storage_site.api.renderers.XMLRenderer",
        "storage_site.api.renderers.BrowsableRenderer",
    ],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "storage_site.api.renderers.LenientNegotiation",
    "DEFAULT_VERSIONING_CLASS": "storage_site.api.microversions.MicroversionVersioning",
    "DEFAULT_PAGINATION_CLASS": "storage_site.api.pagination.MarkerPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "storage_site.api.errors.answer_for",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
# What everybody may filter lists by (contract 00 section 8); administrators may use any column.
RESOURCE_FILTERS = {
    "volume": [
        "name", "status", "metadata", "bootable", "migration_status", "availability_zone", "group_id", "size",
        "created_at", "updated_at", "consumes_quota",
    ],
    "backup": ["name", "status", "volume_id"],
    "snapshot": ["name", "status", "volume_id", "metadata", "availability_zone", "consumes_quota"],
    "group": ["name"],
    "group_snapshot": ["name", "status", "group_id"],
    "attachment": ["volume_id", "status", "instance_id", "attach_status"],
    "message": ["resource_uuid", "resource_type", "event_id", "request_id", "message_level"],
    "pool": ["name", "volume_type"],
    # The next two by name as well: `cinder` looks a type and a transfer up by it, for everybody.
    "volume_type": ["is_public", "extra_specs", "name"],
    "transfer": ["name"],
}  # fmt: skip
SPECTACULAR_SETTINGS = {
    "TITLE": "Celinder",
    "DESCRIPTION": "Block storage as a service: the Block Storage v3 API.",
    "VERSION": "3.71",
    "SERVE_PERMISSIONS": [],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "storage_site.logs.LineFormatter"},
        "json": {"()": "storage_site.logs.JsonFormatter"},
    },
    "filters": {"discretion": {"()": "storage_site.logs.Discretion"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": env.text("CELINDER_LOG_FORMAT", "line"),
            "filters": ["discretion"],
        }
    },
    "root": {"handlers": ["console"], "level": env.text("CELINDER_LOG_LEVEL", "INFO")},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "qemu.qmp": {"level": "CRITICAL"},
        # A line per move says more than a line per message.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
    },
}
