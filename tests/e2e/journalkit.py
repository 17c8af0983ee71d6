# SPDX-License-Identifier: MIT
"""Journals rewritten, as other versions of vmferry wrote them."""
import json

SIZE = 65536


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def line(record):
    text = json.dumps(record, separators=(",", ":")).encode()
    return b"%08x %08x %s\n" % (len(text), crc32c(text), text)


def records(path):
    with open(path, "rb") as f:
        lines = f.read().rstrip(b"\0").splitlines()
    return [json.loads(text[18:]) for text in lines[1:]]


def write(path, version, all_records):
    data = b"VMFERRY-JOURNAL %d\n" % version + b"".join(
        map(line, all_records))
    with open(path, "r+b") as f:
        f.write(data.ljust(SIZE, b"\0"))


def make_version_1(path):
    """Without notes, PID namespaces and the destination's name."""
    kept = [r for r in records(path) if r["record"] not in ("WISH", "SEEN")]
    for number, record in enumerate(kept, 1):
        record["seq"] = number
        record["data"] = {
            key: value for key, value in (record.get("data") or {}).items()
            if not key.endswith("_pid_namespace") and
            key != "destination_host"}
    write(path, 1, kept)
