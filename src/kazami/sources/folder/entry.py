"""What settings say, line by line, as things of their own: an account, a key, a line of a router's configuration.

Text is bounded and read as it is; what is none is nobody's loss, for the file as a whole is watched too. Passwords, keys and
communities stand there as keyed digests, so that a change of one shows and the secret does not.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Mapping

from lxml import etree

Entry = tuple[str, Mapping[str, str]]

#: Bytes of a file whose lines are read, lines of it, characters of one.
LARGEST, LINES, LONGEST = 4 << 20, 50_000, 300

_SECRET = re.compile(
    r"(?i)\b(pass(?:word|wd|phrase)?|secret|community|psk|pre-shared-key|private-?key|token|md5|key-string|crypt|ENC)\b(\s*[=:>]?\s*(?:\d\s+)?)(\S.*)$"
)
_COMMENT = re.compile(r"\s*(?:#|;|!|//|$)")
_UNIT = re.compile(r"\s*(Exec\w+|User|Group|WantedBy|OnCalendar|OnBootSec|OnUnit\w+|Unit|ListenStream|Environment\w*|Path\w+)\s*=(.*)")  # fmt: skip
_TASK = ("Command", "Arguments", "WorkingDirectory", "ClassId", "UserId", "RunLevel", "Hidden", "Enabled")


def entries(how: str, content: bytes, secret: bytes = b"") -> list[Entry]:
    """The entries of a file that is read as `how` says (a word of ``place.yml``), each once; `secret` keys the digests."""
    if len(content) > LARGEST:
        return []
    found: dict[str, Mapping[str, str]] = {}
    for name, facts in _HOW[how](_text(content), lambda word: _digest(word, secret)):
        found.setdefault(name[:LONGEST], {key: value[:LONGEST] for key, value in facts.items() if value})
    return list(found.items())


def _text(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    return content.decode("utf-8", "backslashreplace")


def _digest(word: str, secret: bytes) -> str:
    if not secret:
        return "***"
    return f"<{hmac.new(secret, word.encode('utf-8', 'replace'), hashlib.sha256).hexdigest()[:12]}>"


Digest = Callable[[str], str]


def _meant(text: str) -> Iterator[str]:
    """Lines that say something."""
    for line in text.splitlines()[:LINES]:
        if not _COMMENT.match(line):
            yield line.strip()


def _lines(text: str, digest: Digest) -> Iterator[Entry]:
    for line in _meant(text):
        masked = _SECRET.sub(lambda m: f"{m[1]}{m[2]}{digest(m[3])}", line)
        yield (masked if len(masked) <= LONGEST else f"{masked[:200]} [{digest(line)}]"), {}


def _words(text: str, digest: Digest) -> Iterator[Entry]:
    """A hosts file: each name with its addresses."""
    found: dict[str, list[str]] = {}
    for line in _meant(text):
        address, *names = line.split("#", 1)[0].split()
        for name in names:
            found.setdefault(name.lower(), []).append(address)
    for name, addresses in found.items():
        yield name, {"address": " ".join(sorted(set(addresses)))}


def _columns(names: tuple[str, ...], hidden: tuple[str, ...] = ()) -> Callable[[str, Digest], Iterator[Entry]]:  # fmt: skip
    """Lines of fields with colons between; the first is the name."""

    def read(text: str, digest: Digest) -> Iterator[Entry]:
        for line in _meant(text):
            first, *rest = line.split(":")
            values = dict(zip(names, rest, strict=False))
            yield first, {k: digest(v) if v and k in hidden else v for k, v in values.items() if k}

    return read


def _keys(text: str, digest: Digest) -> Iterator[Entry]:
    """Keys by their fingerprint, as ``ssh-keygen -l`` says it."""
    for line in _meant(text):
        words = line.split()
        at = next((n for n, word in enumerate(words[:-1]) if word.startswith(("ssh-", "ecdsa-", "sk-"))), None)  # fmt: skip
        if at is None:
            yield line, {}
            continue
        try:
            body = hashlib.sha256(base64.b64decode(words[at + 1], validate=True)).digest()
            name = "SHA256:" + base64.b64encode(body).decode().rstrip("=")
        except ValueError:
            name = words[at + 1]
        yield (
            name,
            {
                "type": words[at],
                "options": " ".join(words[:at]),
                "comment": " ".join(words[at + 2 :]),
            },
        )


def _unit(text: str, digest: Digest) -> Iterator[Entry]:
    for line in _meant(text):
        if found := _UNIT.match(line):
            yield f"{found[1]}={found[2].strip()}", {}


def _task(text: str, digest: Digest) -> Iterator[Entry]:
    """What a scheduled task starts, and as whom."""
    body = text.lstrip("\ufeff").encode("utf-8", "replace")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, recover=True, encoding="utf-8")  # fmt: skip
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        return
    for node in root.iter() if root is not None else ():
        name = etree.QName(node).localname if isinstance(node.tag, str) else ""
        if name in _TASK and (node.text or "").strip():
            yield f"{name}={(node.text or '').strip()}", {}


_HOW: Mapping[str, Callable[[str, Digest], Iterator[Entry]]] = {
    "lines": _lines,
    "words": _words,
    "passwd": _columns(("", "uid", "gid", "comment", "home", "shell")),
    "group": _columns(("", "gid", "members")),
    "shadow": _columns(("password", "changed"), ("password",)),
    "keys": _keys,
    "unit": _unit,
    "task": _task,
}
