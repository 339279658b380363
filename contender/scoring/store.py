"""Files, answers and predictions in DynamoDB, in one table.

    pk                              sk                          item
    file#<dimension>                <file>#<upload>             how far a file is
    chunk#<upload>                  <chunk>.<attempt>.<first>   what a chunk's rows were answered, see answers.py
    row#<upload>#<block>            <row>                       one row: prediction, probability, variant, version, time

A block is a thousand rows, so that no partition takes a whole file's writes, and a row's key follows from its number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from contender.scoring.answers import YES, Answers
from contender.scoring.chunk import Chunk
from contender.scoring.file import File, State, changes

BLOCK = 1000
PUTS = 25
"""BatchWriteItem takes no more."""
MAX_TRIES = 12
KNOWN = "attribute_exists(pk)"
"""Condition of every update of a file: an update would make one that has expired anew, without what it is."""


class Crowded(Exception):
    """DynamoDB left items unwritten, however often it was asked."""


class Overtaken(Exception):
    """Somebody else works on the same file: look at it again."""


class Store:
    """`pause` is called with how often DynamoDB has been asked before it is asked again.

    What is written expires after `keep_days`; 0 is never.
    """

    def __init__(
        self,
        dynamodb: Any,
        table: str,
        keep_days: int = 0,
        pause: Callable[[int], None] = lambda tries: None,
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._keep_days = keep_days
        self._pause = pause

    # ── Files ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def file(self, dimension: str, file: str, upload: str) -> File | None:
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=_file_key(dimension, file, upload), ConsistentRead=True
        )
        return File.from_item(answer["Item"]) if "Item" in answer else None

    def files(self, dimension: str, file: str = "") -> list[File]:
        """A dimension's uploads, or those of one name, the newest first."""
        items = self._query(f"file#{dimension}", f"{file}#" if file else "")
        return sorted((File.from_item(item) for item in items), key=lambda each: each.began, reverse=True)

    def begin(self, file: File) -> File:
        """The file as it is known; as given if it is new."""
        key = _file_key(file.dimension, file.file, file.upload)
        item = {**key, **file.to_item(), **self._expiry(file.began)}
        existing = self._put_once(item)
        return File.from_item(existing) if existing else file

    def change(self, file: File, **values: Any) -> File:
        """Set attributes of the file's item; the file as it is then.

        Overtaken if a new state is to be set, and somebody else has set another one since `file` was read.
        """
        attributes = changes(**values)
        compared = changes(was=file.state) if "state" in values else {}
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table,
                Key=_file_key(file.dimension, file.file, file.upload),
                UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
                ConditionExpression=KNOWN + (" AND #state = :was" if compared else ""),
                ExpressionAttributeNames={f"#{name}": name for name in attributes},
                ExpressionAttributeValues={f":{name}": value for name, value in (attributes | compared).items()},
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            raise Overtaken(
                f"file {file.file!r} of dimension {file.dimension!r} was {file.state} and is not"
            ) from error
        return File.from_item(answer["Attributes"])

    def settle(self, chunk: Chunk) -> File:
        """Count a chunk as settled, once however often it is said; the file as it is then."""
        return File.from_item(
            self._dynamodb.update_item(
                TableName=self._table,
                Key=_file_key(chunk.dimension, chunk.file, chunk.upload),
                UpdateExpression="ADD #settled :settled, #revision :revision",
                ConditionExpression=KNOWN,
                ExpressionAttributeNames={"#settled": "settled", "#revision": "revision"},
                ExpressionAttributeValues={":settled": {"NS": [str(chunk.number)]}, ":revision": {"N": "1"}},
                ReturnValues="ALL_NEW",
            )["Attributes"]
        )

    def finish(self, file: File, scored: int, failed: int) -> bool:
        """Mark it as finished with these counts; False if more was settled since `file` was read."""
        attributes = changes(state=State.FINISHED, scored=scored, failed=failed)
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=_file_key(file.dimension, file.file, file.upload),
                UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
                ConditionExpression="#revision = :revision",
                ExpressionAttributeNames={f"#{name}": name for name in (*attributes, "revision")},
                ExpressionAttributeValues={
                    **{f":{name}": value for name, value in attributes.items()},
                    ":revision": {"N": str(file.revision)},
                },
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True

    # ── Answers ───────────────────────────────────────────────────────────────────────────────────────────────────

    def pinned(self, chunk: Chunk) -> Answers | None:
        """What this try of the chunk was answered, if it was."""
        answer = self._dynamodb.get_item(TableName=self._table, Key=_chunk_key(chunk), ConsistentRead=True)
        return Answers.from_item(answer["Item"]) if "Item" in answer else None

    def pin(self, answers: Answers) -> Answers:
        """Make them the answers of the chunk; those that are, if somebody was first."""
        item = {**_chunk_key(answers.chunk), **answers.to_item(), **self._expiry(answers.at)}
        existing = self._put_once(item)
        return Answers.from_item(existing) if existing else answers

    def answers(self, upload: str) -> Iterator[Answers]:
        """All answers of a file, by chunk and attempt."""
        return map(Answers.from_item, self._query(f"chunk#{upload}"))

    # ── Rows ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def write(self, answers: Answers) -> int:
        """One item for each scored row; how many. Written again they are the same items."""
        items = self._row_items(answers)
        count = 0
        while requests := [{"PutRequest": {"Item": item}} for item in islice(items, PUTS)]:
            count += len(requests)
            self._put_all(requests)
        return count

    def rows(self, file: File) -> Iterator[dict[str, Any]]:
        """The predictions of a file, in its order."""
        for block in range((file.rows + BLOCK - 1) // BLOCK):
            for item in self._query(f"row#{file.upload}#{block}"):
                yield {
                    "row": int(item["row"]["N"]),
                    "prediction": int(item["prediction"]["N"]),
                    "probability": float(item["probability"]["N"]),
                    "variant": item["variant"]["S"],
                    "version": int(item["version"]["N"]),
                    "at": item["at"]["S"],
                }

    def _row_items(self, answers: Answers) -> Iterator[dict[str, Any]]:
        chunk = answers.chunk
        same = {
            "dimension": {"S": chunk.dimension},
            "file": {"S": chunk.file},
            "variant": {"S": answers.variant},
            "version": {"N": str(answers.version)},
            "at": {"S": answers.at.isoformat()},
            **self._expiry(answers.at),
        }
        for place, score in answers.scored:
            row = chunk.row + place
            yield {
                "pk": {"S": f"row#{chunk.upload}#{(row - 1) // BLOCK}"},
                "sk": {"S": f"{row:09}"},
                "row": {"N": str(row)},
                "prediction": {"N": str(int(score >= YES))},
                "probability": {"N": repr(score)},
                **same,
            }

    def _put_all(self, requests: list[dict[str, Any]]) -> None:
        for tries in range(MAX_TRIES):
            answer = self._dynamodb.batch_write_item(RequestItems={self._table: requests})
            requests = answer.get("UnprocessedItems", {}).get(self._table, [])
            if not requests:
                return
            self._pause(tries)
        raise Crowded(f"table {self._table} left {len(requests)} items unwritten, asked {MAX_TRIES} times")

    def _put_once(self, item: dict[str, Any]) -> Mapping[str, Any] | None:
        """Put a new item; the existing one if it is not new."""
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            existing: Mapping[str, Any] = error.response["Item"]
            return existing
        return None

    def _query(self, pk: str, prefix: str = "") -> Iterator[Mapping[str, Any]]:
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)" if prefix else "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": pk}, **({":prefix": {"S": prefix}} if prefix else {})},
            "ConsistentRead": True,
        }
        while True:
            answer = self._dynamodb.query(**request)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _expiry(self, at: datetime) -> dict[str, dict[str, str]]:
        if not self._keep_days:
            return {}
        return {"expires": {"N": str(int((at + timedelta(days=self._keep_days)).timestamp()))}}


def _file_key(dimension: str, file: str, upload: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": f"file#{dimension}"}, "sk": {"S": f"{file}#{upload}"}}


def _chunk_key(chunk: Chunk) -> dict[str, dict[str, str]]:
    """The parts that a try is made of differ in their first row."""
    first = chunk.only[0] if chunk.only else 0
    return {"pk": {"S": f"chunk#{chunk.upload}"}, "sk": {"S": f"{chunk.number:06}.{chunk.attempt:03}.{first:04}"}}
