"""Database expressions that Django does not have."""

from typing import Any

from django.db.models import Func, TextField
from django.db.models.expressions import Combinable

Sql = tuple[str, list[Any]]


class Member(Func):
    """The text of one member of a JSON object, also where its name is a number or contains dots."""

    output_field = TextField()
    arity = 1

    def __init__(self, column: Combinable, name: str) -> None:
        super().__init__(column)
        self.name = name

    def as_postgresql(self, compiler: Any, _connection: Any) -> Sql:
        """Return the SQL for PostgreSQL."""
        sql, parameters = compiler.compile(self.source_expressions[0])
        return f"({sql} ->> %s)", [*parameters, self.name]

    def as_sqlite(self, compiler: Any, _connection: Any) -> Sql:
        """Return the SQL for SQLite, whose paths have no way to write a quotation mark inside of a name."""
        sql, parameters = compiler.compile(self.source_expressions[0])
        return f"JSON_EXTRACT({sql}, %s)", [*parameters, f'$."{self.name}"']
