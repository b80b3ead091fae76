"""Times as logs have them: sortable, to the second."""

DATE_FORMAT = SHORT_DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "Y-m-d H:i:s e"
TIME_FORMAT = "H:i:s"
