"""State in SQLite: one document per resource, nearly the answer of its Describe* operation.

A document lives under (kind, name); `parent` ties a thing to another (a model package to its group, a step to its
execution), `status` and the two times are columns because every List* filters and sorts by them. Changes are durable
when the transaction ends: the write-ahead log is in the operating system's hands, so `kill -9` loses nothing.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Document = dict[str, Any]
Place = tuple[float | str, str]

MIGRATIONS = (
    """
    CREATE TABLE document (
        kind TEXT NOT NULL, name TEXT NOT NULL, parent TEXT NOT NULL, status TEXT NOT NULL,
        created REAL NOT NULL, modified REAL NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (kind, name)
    ) WITHOUT ROWID;
    CREATE INDEX document_by_parent ON document (kind, parent, created);
    CREATE INDEX document_by_status ON document (kind, status);
    CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    """,
)

SORTABLE = frozenset({"name", "created", "modified", "status"})


class AlreadyExists(Exception):
    """A document of that kind and name is there already."""


class Missing(Exception):
    """No document of that kind and name."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a List* operation asks for; None means no restriction. Times are aware datetimes."""

    parent: str | None = None
    status: str | None = None
    name_contains: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    modified_after: datetime | None = None
    modified_before: datetime | None = None


class Store:
    """Documents in one SQLite file, shared by all threads of the server through one connection and one lock."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
        self._migrate()

    def _migrate(self) -> None:
        (done,) = self._connection.execute("PRAGMA user_version").fetchone()
        for version, script in enumerate(MIGRATIONS[done:], start=done + 1):
            self._connection.executescript(f"BEGIN; {script} PRAGMA user_version = {version}; COMMIT;")

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside happens, or nothing; other threads wait. Nests."""
        with self._lock:
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._connection.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._connection.execute("COMMIT")

    def insert(
        self, kind: str, name: str, body: Document, *, now: datetime, parent: str = "", status: str = ""
    ) -> None:
        """Raises AlreadyExists."""
        stamp = now.timestamp()
        with self.transaction():
            try:
                self._connection.execute(
                    "INSERT INTO document VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (kind, name, parent, status, stamp, stamp, _dump(body)),
                )
            except sqlite3.IntegrityError as error:
                raise AlreadyExists(f"{kind} {name}") from error

    def get(self, kind: str, name: str) -> Document:
        """Raises Missing."""
        found = self.find(kind, name)
        if found is None:
            raise Missing(f"{kind} {name}")
        return found

    def find(self, kind: str, name: str) -> Document | None:
        with self._lock:
            row = self._connection.execute(
                "SELECT body FROM document WHERE kind = ? AND name = ?", (kind, name)
            ).fetchone()
        return _load(row[0]) if row else None

    def update(self, kind: str, name: str, changes: Document, *, now: datetime, status: str | None = None) -> Document:
        """Merge `changes` into the document (a value of None removes the field) and return it. Raises Missing."""
        with self.transaction():
            body = {**self.get(kind, name), **changes}
            body = {key: value for key, value in body.items() if value is not None}
            self._connection.execute(
                "UPDATE document SET body = ?, modified = ?, status = coalesce(?, status) WHERE kind = ? AND name = ?",
                (_dump(body), now.timestamp(), status, kind, name),
            )
        return body

    def delete(self, kind: str, name: str) -> Document:
        """Remove the document and return what it was. Raises Missing."""
        with self.transaction():
            body = self.get(kind, name)
            self._connection.execute("DELETE FROM document WHERE kind = ? AND name = ?", (kind, name))
        return body

    def next_number(self, counter: str) -> int:
        """1, 2, 3, … for each counter; a number is never given twice."""
        with self.transaction():
            row = self._connection.execute(
                "INSERT INTO counter VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
                (counter,),
            ).fetchone()
        return int(row[0])

    def page(
        self, kind: str, wanted: Filter = Filter(), *, sort: str = "created", descending: bool = False, limit: int = -1
    ) -> list[Document]:
        """Documents that pass `wanted`, sorted by a column and then by name; limit -1 is all of them."""
        rows = self._rows(kind, wanted, sort, descending, None, limit)
        return [_load(body) for _, _, body in rows]

    def walk(
        self, kind: str, wanted: Filter, *, sort: str, descending: bool, after: Place | None, batch: int = 100
    ) -> Iterator[tuple[Place, Document]]:
        """Documents one by one with their places, beginning behind the place `after`.

        A place is a sort value and a name, so documents that come or go meanwhile move nobody else.
        """
        while rows := self._rows(kind, wanted, sort, descending, after, batch):
            for value, name, body in rows:
                after = (value, name)
                yield after, _load(body)

    def _rows(
        self, kind: str, wanted: Filter, sort: str, descending: bool, after: Place | None, limit: int
    ) -> list[tuple[float | str, str, str]]:
        if sort not in SORTABLE:
            raise ValueError(f"cannot sort by {sort}")
        clauses, values = _conditions(wanted)
        order, sign = ("DESC", "<") if descending else ("ASC", ">")
        if after is not None:
            clauses += f" AND ({sort}, name) {sign} (?, ?)"
            values += after
        ranked = f"ORDER BY {sort} {order}, name {order} LIMIT ?"
        query = f"SELECT {sort}, name, body FROM document WHERE kind = ?{clauses} {ranked}"
        with self._lock:
            return self._connection.execute(query, (kind, *values, limit)).fetchall()

    def count(self, kind: str, wanted: Filter = Filter()) -> int:
        clauses, values = _conditions(wanted)
        with self._lock:
            row = self._connection.execute(
                f"SELECT count(*) FROM document WHERE kind = ?{clauses}", (kind, *values)
            ).fetchone()
        return int(row[0])


def _conditions(wanted: Filter) -> tuple[str, list[Any]]:
    clauses: list[tuple[str, Any]] = []
    if wanted.parent is not None:
        clauses.append(("parent = ?", wanted.parent))
    if wanted.status is not None:
        clauses.append(("status = ?", wanted.status))
    if wanted.name_contains is not None:
        clauses.append(("instr(lower(name), lower(?)) > 0", wanted.name_contains))
    for column, sign, moment in (
        ("created", ">=", wanted.created_after),
        ("created", "<=", wanted.created_before),
        ("modified", ">=", wanted.modified_after),
        ("modified", "<=", wanted.modified_before),
    ):
        if moment is not None:
            clauses.append((f"{column} {sign} ?", moment.timestamp()))
    return "".join(f" AND {clause}" for clause, _ in clauses), [value for _, value in clauses]


def _dump(body: Document) -> str:
    return json.dumps(body, default=_encode_datetime, separators=(",", ":"))


def _encode_datetime(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"$t": value.timestamp()}
    raise TypeError(f"cannot store a {type(value).__name__}")


def _load(text: str) -> Document:
    loaded: Document = json.loads(text, object_hook=_decode_datetime)
    return loaded


def _decode_datetime(value: dict[str, Any]) -> Any:
    if len(value) == 1 and "$t" in value:
        return datetime.fromtimestamp(value["$t"], UTC)
    return value
