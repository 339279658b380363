"""Frames between the runtime front and a model's worker: requests one way, answers the other, many in flight.

    request   size, number, lengths of three strings, content type, accept, custom attributes, body
    answer    size, number, status, lengths of two strings, content type, custom attributes, body

A worker that accepts a connection says first how it is: one JSON line, {} or {"error": why it cannot serve}.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from contender.local.containers.invocation import Answer, Request

SIZE = struct.Struct("!I")
REQUEST = struct.Struct("!IIHHH")
ANSWER = struct.Struct("!IIHHH")


def pack_request(number: int, request: Request) -> bytes:
    content_type, accept = request.content_type.encode(), request.accept.encode()
    attributes = request.custom_attributes.encode()
    text = content_type + accept + attributes
    size = REQUEST.size + len(text) + len(request.body)
    head = REQUEST.pack(size, number, len(content_type), len(accept), len(attributes))
    return b"".join((head, text, request.body))


def unpack_request(frame: bytes) -> tuple[int, Request]:
    _, number, content_type, accept, attributes = REQUEST.unpack_from(frame)
    first = REQUEST.size
    second = first + content_type
    third = second + accept
    body = third + attributes
    return number, Request(
        frame[body:], frame[first:second].decode(), frame[second:third].decode(), frame[third:body].decode()
    )


def pack_answer(number: int, answer: Answer) -> bytes:
    content_type, attributes = answer.content_type.encode(), answer.custom_attributes.encode()
    size = ANSWER.size + len(content_type) + len(attributes) + len(answer.body)
    head = ANSWER.pack(size, number, answer.status, len(content_type), len(attributes))
    return b"".join((head, content_type, attributes, answer.body))


def unpack_answer(frame: bytes) -> tuple[int, Answer]:
    _, number, status, content_type, attributes = ANSWER.unpack_from(frame)
    first = ANSWER.size
    second = first + content_type
    body = second + attributes
    return number, Answer(status, frame[body:], frame[first:second].decode(), frame[second:body].decode())


@dataclass(slots=True)
class Frames:
    """Cuts a stream of bytes into frames; what is not complete yet waits for the next piece."""

    _rest: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> list[bytes]:
        rest = self._rest
        rest += data
        frames: list[bytes] = []
        start = 0
        while len(rest) - start >= SIZE.size:
            (size,) = SIZE.unpack_from(rest, start)
            if len(rest) - start < size:
                break
            frames.append(bytes(rest[start : start + size]))
            start += size
        del rest[:start]
        return frames
