"""Reads messages with Python's email and prints what it finds in them as JSON, for TestCorpusAgainstPython."""

import base64
import email
import email.policy
import json
import pathlib
import sys


def text(part):
    """A text part's words; an unknown charset is left to the reader."""
    raw = part.get_payload(decode=True) or b""
    charset = str(part.get_content_charset() or "ascii")
    try:
        return raw.decode(charset, "replace")
    except LookupError:
        return raw.decode("ascii", "replace")


def walk(part, leaves):
    """Describes a part's structure in a line and collects its leaves."""
    kind = part.get_content_type()
    payload = part.get_payload()
    if isinstance(payload, list) and part.get_content_maintype() == "multipart":
        return kind + "(" + " ".join(walk(p, leaves) for p in payload) + ")"
    if isinstance(payload, list) and kind in ("message/rfc822", "message/global"):
        return kind + "{" + walk(payload[0], leaves) + "}"
    leaf = {"type": kind, "name": clean(part.get_filename() or "")}
    if kind.startswith("text/"):
        leaf["text"] = clean(text(part))
    elif not kind.startswith("message/"):
        leaf["octets"] = base64.b64encode(part.get_payload(decode=True) or b"").decode()
    leaves.append(leaf)
    return kind


def clean(s):
    return str(s).encode("utf-8", "replace").decode()


def read(path):
    try:
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        leaves = []
        tree = walk(message, leaves)
        return {"subject": clean(message["subject"] or ""), "tree": tree, "leaves": leaves}
    except Exception as e:
        return {"error": type(e).__name__ + ": " + str(e)}


print(json.dumps({p.stem: read(p) for p in sorted(pathlib.Path(sys.argv[1]).glob("*.eml"))}))
