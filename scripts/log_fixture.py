#!/usr/bin/env python3
"""Writes a log by its description alone (docs/log.md and the header of crates/plimsoll-engine/src/log/frame.rs), and a snapshot:
what crates/plimsoll-engine/tests/forms.rs must open, and write again byte for byte.

usage: scripts/log_fixture.py FOLDER
"""
import hashlib
import pathlib
import struct
import sys
import zlib

ID = b"a log of form 1\0"
FORM = 1


def sealed(head, rest, seed=b""):
    """CRC-32 over everything, with zero in its own four bytes, which stand at 12."""
    crc = zlib.crc32(seed + head + bytes(4) + rest)
    return head + struct.pack("<I", crc) + rest


def segment_head(first, chain):
    return sealed(b"PLIMSOLL" + struct.pack("<I", FORM), ID + struct.pack("<Q", first) + chain)


def frame(kind, number, batch, payload, chain):
    head = b"rec\n" + bytes([kind, 0, 0, 0]) + struct.pack("<I", len(payload))
    rest = struct.pack("<QQ", number, batch) + payload + chain
    rest += bytes(-(len(head) + 4 + len(rest)) % 8)
    return sealed(head, rest, ID)


def link(chain, number, payload):
    return hashlib.sha256(chain + struct.pack("<QQ", number, len(payload)) + payload).digest()


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    root = hashlib.sha256(b"plimsoll log" + struct.pack("<I", FORM) + ID).digest()
    batches = [[b"deposit 100", b""], [bytes(range(256))], [b"price 2500", b"called", b"paid"]]
    chain, number = root, 0
    out = segment_head(0, root)
    for batch in batches:
        first = number
        for payload in batch:
            chain = link(chain, number, payload)
            out += frame(1, number, first, payload, chain)
            number += 1
        if len(batch) == 1:
            out += frame(2, number, number, b"", chain)
    out += frame(2, number, number, b"", chain)
    (folder / f"{0:020}.log").write_bytes(out)
    state = b"what it came to"
    body = b"PLIMSNAP" + struct.pack("<II", FORM, 0) + ID + struct.pack("<Q", number) + chain
    body += struct.pack("<Q", len(state)) + state
    (folder / f"{number:020}.snapshot").write_bytes(body + hashlib.sha256(body).digest())


main()
