"""The text of batch files: lines, commands, blocks, pieces of variables, sums."""

from __future__ import annotations

import ast
import operator as op
import re
from collections.abc import Iterator

from kazami.detect.content.script.record import TEXT

_SLICE = re.compile(r"~\s*(-?\d+)?\s*(?:,\s*(-?\d+))?")
LABEL = re.compile(r"^\s*:([^\s:+=&|<>]+)", re.MULTILINE)
_WAYS = {
    ast.Add: op.add,
    ast.Sub: op.sub,
    ast.Mult: op.mul,
    ast.FloorDiv: op.floordiv,
    ast.Mod: op.mod,
    ast.BitXor: op.xor,
    ast.BitAnd: op.and_,
    ast.BitOr: op.or_,
    ast.LShift: op.lshift,
    ast.RShift: op.rshift,
}


def joined(source: str) -> list[str]:
    """Lines, where a caret at the end or an open parenthesis goes on with the next."""
    out: list[str] = []
    text = re.sub(r"\^\r?\n", "", source)
    for line in re.split(r"[\r\n]+", text):
        opened = out and not LABEL.match(line) and _open(out[-1])
        if opened:
            out[-1] += line.strip() if line.strip().startswith(")") else f"&{line.strip()}"
        else:
            out.append(line)
    return out


def _open(line: str) -> bool:
    """Whether a block begins in this line and does not end; only loops and conditions have blocks of lines."""
    if len(line) > 1 << 16 or not re.match(r"\s*@?\(?\s*(?:for|if|\()", line, re.IGNORECASE):
        return line.strip() == "("
    plain = re.sub(r'"[^"]*"|\^.', "", line)
    return plain.count("(") > plain.count(")")


def commands(line: str) -> list[str]:
    """The commands of a line, split where ``&``, ``|`` stand outside quotes; a loop or condition keeps the rest of its line."""
    out: list[str] = []
    begin = 0
    for at, char in _unquoted(line):
        if char in "&|" and line[at - 1 : at] != ">":
            if re.match(r"\s*@?\(?\s*(?:for|if)\b", line[begin:at], re.IGNORECASE):
                break
            out.append(line[begin:at])
            begin = at + 1
    return [one for one in (*out, line[begin:]) if one.strip(" &|()")]


def _unquoted(text: str) -> Iterator[tuple[int, str]]:
    """Characters that stand outside quotes and behind no caret, with their places."""
    quoted, at = False, 0
    while at < len(text):
        char = text[at]
        if char == "^" and not quoted:
            at += 1
        elif char == '"':
            quoted = not quoted
        elif not quoted:
            yield at, char
        at += 1


def uncaret(text: str) -> str:
    """Without carets, but for those in quotes."""
    if "^" not in text:
        return text
    pieces = re.split(r'("[^"]*")', text)
    return "".join(
        piece if at % 2 else re.sub(r"\^(.)", r"\1", piece).replace("^", "")
        for at, piece in enumerate(pieces)
    )


def piece(value: str, way: str) -> str:
    """``~from,length`` or ``old=new`` of a variable."""
    if way.startswith("~"):
        match = _SLICE.match(way)
        first = int(match[1] or 0) if match else 0
        first = max(len(value) + first, 0) if first < 0 else first
        if not match or match[2] is None:
            return value[first:]
        length = int(match[2])
        return value[first : first + length] if length >= 0 else value[first:length]
    old, _, new = way.partition("=")
    if old.startswith("*") and len(old) > 1:
        at = value.lower().find(old[1:].lower())
        return new + value[at + len(old) - 1 :] if at >= 0 else value
    return re.sub(re.escape(old), lambda _: new, value, flags=re.IGNORECASE)[:TEXT]


def arithmetic(text: str) -> int | None:
    """A sum of whole numbers; None where it is none."""
    try:
        return _sum(ast.parse(text.replace("/", "//").strip(), mode="eval").body, 0)
    except (SyntaxError, ValueError, ZeroDivisionError, RecursionError, MemoryError):
        return None


def _sum(node: object, depth: int) -> int:
    if depth > 50:
        raise ValueError("nested")
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_sum(node.operand, depth + 1)
    if isinstance(node, ast.BinOp) and type(node.op) in _WAYS:
        left, right = _sum(node.left, depth + 1), _sum(node.right, depth + 1)
        if isinstance(node.op, (ast.LShift, ast.RShift)) and not 0 <= right < 64:
            raise ValueError("no shift")
        return int(_WAYS[type(node.op)](left, right)) & 0xFFFFFFFFFFFF
    raise ValueError("no sum")


def block(text: str) -> tuple[str, str]:
    """What stands in the parentheses that `text` begins with, and what follows them; all of it where there are none."""
    text = text.strip()
    if not text.startswith("("):
        return text, ""
    depth = 0
    for at, char in _unquoted(text):
        if char in "()":
            depth += 1 if char == "(" else -1
            if not depth:
                return text[1:at], text[at + 1 :].strip()
    return text[1:], ""


def fields(text: str, options: str) -> list[str]:
    """The values of a loop's variables from one line, by its ``tokens`` and ``delims``."""
    delimiters = re.search(r"delims=(.*?)(?:\s+\w+=|\"?$)", options, re.IGNORECASE)
    marks = delimiters[1].rstrip('"') if delimiters else " \t"
    words = [word for word in re.split(f"[{re.escape(marks)}]+", text) if word] if marks else [text]
    tokens = re.search(r"tokens=([\d,*-]+)", options, re.IGNORECASE)
    out: list[str] = []
    for part in (tokens[1] if tokens else "1").split(","):
        first, _, last = part.strip("*").partition("-")
        begin = int(first or 0) if first.isdigit() else 0
        end = int(last) if last.isdigit() else begin
        out += [
            words[at - 1] if at <= len(words) else "" for at in range(begin, min(end, begin + 30) + 1) if at
        ]
        if part.endswith("*"):
            out.append(" ".join(words[end:]))
    return out
