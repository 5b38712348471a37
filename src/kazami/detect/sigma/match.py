"""The matcher: all rules over a batch of events, in columns.

For each field the distinct values are asked all questions once (`field_index`), the answers are spread to rows as
bits (`field_column`), and a rule is boolean algebra over these bits. A predicate that holds nowhere in the batch
costs nothing, and a rule without a witness (`witness`) is not looked at. `plain` says the same event by event,
slowly; a property test holds the two together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from kazami.detect.sigma import bitset, plain
from kazami.detect.sigma.expression import Expression, Predicate, fields, predicates
from kazami.detect.sigma.field_column import FieldColumn
from kazami.detect.sigma.field_index import FieldIndex
from kazami.detect.sigma.rule import Rule
from kazami.detect.sigma.witness import witnesses
from kazami.model.event import ENVELOPE_NAMES, SPELLINGS, LogSource, Route, field_names, field_of

#: The first events of a kind, up to so many, are asked only the rules whose words stand in them: to prepare thousands
#: of rules for a handful of events would take longer than all else.
FEW = 1000

#: These look at a whole row, or at absence, and are answered a batch at a time.
_BY_ROW = frozenset({"null", "exists", "ref"})


@dataclass(slots=True)
class Match:
    """A rule that is true on some rows of a batch."""

    rule: Rule
    rows: bitset.Rows
    columns: Batch

    def fields(self) -> list[tuple[str, list[str | None]]]:
        """The fields that made it true, with the value in each of `rows`; None where another branch did."""
        return self.columns.evidence(self.rule, self.rows)


class Matcher:
    """Compiled rules, ready to be asked about batches of any route; `index` answers the questions of a field."""

    def __init__(self, rules: Iterable[Rule], index: type[FieldIndex] = FieldIndex) -> None:
        self._index = index
        self._by_source: dict[LogSource, list[Rule]] = {}
        for rule in rules:
            self._by_source.setdefault(rule.info.logsource, []).append(rule)
        self._programs: dict[tuple[LogSource, ...], Program] = {}
        self._met: set[tuple[LogSource, ...]] = set()  # kinds of events that were seen before
        self._gone: Counter[str] = Counter()  # time-outs of programs that are no more

    def match(self, batch: pa.RecordBatch) -> Iterator[Match]:
        """The rules that are true on any event of `batch`, with the rows."""
        sources = Route.of(batch).sources
        if not batch.num_rows:
            return
        if batch.num_rows <= FEW and sources not in self._met:
            self._met.add(sources)
            program = Program(_likely(self._applicable(sources), batch), self._index)
            yield from program.match(batch)
            self._gone += program.timeouts()
            return
        program = self.program(sources)
        if program.rules:
            yield from program.match(batch)

    def program(self, sources: tuple[LogSource, ...]) -> Program:
        """The rules for events of these log sources, compiled for columns when first needed."""
        found = self._programs.get(sources)
        if found is None:
            found = self._programs[sources] = Program(self._applicable(sources), self._index)
        return found

    def _applicable(self, sources: tuple[LogSource, ...]) -> list[Rule]:
        return [
            rule
            for addressed, rules in self._by_source.items()
            if any(addressed.covers(source) for source in sources)
            for rule in rules
        ]

    def timeouts(self) -> Counter[str]:
        """Rule ids whose regular expressions ran out of time, with how often so far."""
        total = self._gone.copy()
        for program in self._programs.values():
            total.update(program.timeouts())
        return total


def _likely(rules: Iterable[Rule], batch: pa.RecordBatch) -> list[Rule]:
    """Those of `rules` that may be true on any event: one of their words stands somewhere in the batch."""
    columns = (FieldColumn(batch.column(name), batch.num_rows) for name in field_names(batch.schema))
    text = "\0".join(value for column in columns for value in column.values if value).casefold()
    return [rule for rule in rules if rule.words is None or any(word in text for word in rule.words)]


class Program:
    """The rules for one set of log sources."""

    def __init__(self, rules: Sequence[Rule], index: type[FieldIndex] = FieldIndex) -> None:
        self.rules = rules
        self.numbers: dict[Predicate, int] = {}
        self._triggers: dict[int, list[int]] = {}
        self._always: list[int] = []
        for number, rule in enumerate(rules):
            self._add(number, rule.condition)
        self.predicates = list(self.numbers)
        self._indexes = self._build(index)

    def _add(self, number: int, condition: Expression) -> None:
        for predicate in predicates(condition):
            self.numbers.setdefault(predicate, len(self.numbers))
        needed = witnesses(condition, self.numbers)
        if needed is None:
            self._always.append(number)
            return
        for predicate_number in needed:
            self._triggers.setdefault(predicate_number, []).append(number)

    def _build(self, index: type[FieldIndex]) -> dict[str | None, FieldIndex]:
        by_field: dict[str | None, list[tuple[int, Predicate]]] = {}
        for predicate, number in self.numbers.items():
            if predicate.op not in _BY_ROW:
                by_field.setdefault(predicate.field, []).append((number, predicate))
        return {name: index(asked) for name, asked in by_field.items()}

    @property
    def fields(self) -> frozenset[str]:
        """The fields that any rule names."""
        return frozenset(name for predicate in self.predicates for name in fields(predicate))

    @property
    def has_keywords(self) -> bool:
        """Whether any rule asks about all fields at once."""
        return None in self._indexes

    def match(self, batch: pa.RecordBatch) -> Iterator[Match]:
        """The rules that are true on any row."""
        columns = Batch(batch, self)
        for number in sorted(self.candidates(columns)):
            rule = self.rules[number]
            bits = columns.evaluate(rule.condition)
            if bits:
                yield Match(rule, bitset.to_rows(bits, batch.num_rows), columns)

    def candidates(self, columns: Batch) -> set[int]:
        """Numbers of the rules that have to be evaluated on this batch."""
        wanted = set(self._always)
        triggers = self._triggers
        for number in columns.active():
            if number in triggers:
                wanted.update(triggers[number])
        for number, predicate in enumerate(self.predicates):
            if predicate.op in _BY_ROW and number in triggers:
                wanted.update(triggers[number])
        return wanted

    def timeouts(self) -> Counter[str]:
        """Rule ids whose regular expressions ran out of time on some value."""
        slow = {
            self.predicates[number]: count
            for index in self._indexes.values()
            for number, count in index.timeouts.items()
        }
        return Counter(
            {
                rule.info.id: sum(slow.get(predicate, 0) for predicate in predicates(rule.condition))
                for rule in self.rules
                if slow and any(predicate in slow for predicate in predicates(rule.condition))
            }
        )

    def index(self, field: str | None) -> FieldIndex | None:
        """The questions about one field, or about all (None)."""
        return self._indexes.get(field)


class Batch:
    """One batch with the answers to the questions of a program."""

    def __init__(self, batch: pa.RecordBatch, program: Program) -> None:
        self._program = program
        self._batch = batch
        self._rows = batch.num_rows
        self._all = bitset.everything(batch.num_rows)
        self._arrays = {field_of(name): batch.column(name) for name in field_names(batch.schema)}
        for name, column in SPELLINGS.items():
            if column in self._arrays:
                self._arrays.setdefault(name, self._arrays[column])
        self._columns: dict[str, FieldColumn] = {}
        self._hits: dict[int, list[tuple[FieldColumn, list[int]]]] = {}
        self._bits: dict[int, int] = {}
        for name in self._arrays:
            self._ask(name, program.index(name))
            if name not in SPELLINGS:
                self._ask(name, program.index(None))

    def _ask(self, name: str, index: FieldIndex | None) -> None:
        if index is None:
            return
        column = self._column(name)
        assert column is not None
        present = [value for value in column.values if value is not None]
        codes = [code for code, value in enumerate(column.values) if value is not None]
        found: dict[int, list[int]] = {}
        for code, numbers in zip(codes, index.answers(present, name), strict=True):
            for number in numbers:
                found.setdefault(number, []).append(code)
        for number, where in found.items():
            self._hits.setdefault(number, []).append((column, where))

    def _column(self, name: str) -> FieldColumn | None:
        if name not in self._columns:
            if name not in self._arrays:
                return None
            self._columns[name] = FieldColumn(self._arrays[name], self._rows)
        return self._columns[name]

    def active(self) -> Iterable[int]:
        """Numbers of the predicates that hold somewhere."""
        return self._hits.keys()

    def evaluate(self, expression: Expression) -> int:
        """The rows where `expression` is true."""
        kind, body = expression
        if kind == "is":
            return self._holds(body)
        if kind == "and":
            return self._conjunction(body)
        if kind == "or":
            bits = 0
            for part in body:
                bits |= self.evaluate(part)
            return bits
        if kind == "not":
            return self._all ^ self.evaluate(body)
        return self._all if body else 0

    def _conjunction(self, parts: Sequence[Expression]) -> int:
        bits = self._all
        for part in parts:
            bits &= self.evaluate(part)
            if not bits:
                return 0
        return bits

    def _holds(self, predicate: Predicate) -> int:
        number = self._program.numbers[predicate]
        bits = self._bits.get(number)
        if bits is None:
            bits = self._bits[number] = self._look(number, predicate)
        return bits

    def _look(self, number: int, predicate: Predicate) -> int:
        if predicate.op in _BY_ROW:
            return self._by_row(predicate)
        bits = 0
        for column, codes in self._hits.get(number, ()):
            bits |= column.rows(codes)
        return bits

    def _by_row(self, predicate: Predicate) -> int:
        assert predicate.field is not None
        column = self._column(predicate.field)
        if predicate.op == "ref":
            return self._relation(column, predicate)
        present = 0 if column is None else column.present()
        if predicate.op == "exists":
            return present if predicate.arg else self._all ^ present
        nulls = [] if column is None else [code for code, value in enumerate(column.values) if value is None]
        return (self._all ^ present) | (column.rows(nulls) if column is not None else 0)

    def _relation(self, column: FieldColumn | None, predicate: Predicate) -> int:
        """Rows where two fields relate; each pair of values is asked once."""
        other = self._column(predicate.arg[0])
        if column is None or other is None:
            return 0
        asked: dict[tuple[Any, Any], bool] = {}
        rows = []
        for row, pair in enumerate(zip(column.cells(), other.cells(), strict=True)):
            if pair not in asked:
                against = {predicate.arg[0]: list(pair[1])}
                asked[pair] = any(plain.holds(predicate, value, against) for value in pair[0])
            if asked[pair]:
                rows.append(row)
        return bitset.from_rows(rows)

    def evidence(self, rule: Rule, rows: bitset.Rows) -> list[tuple[str, list[str | None]]]:
        """The fields whose predicates hold on `rows`, with their values; None where none of them does."""
        chosen = bitset.from_mask(_mask(rows, self._rows))
        where: dict[str, int] = {}
        for predicate in positive(rule.condition):
            for name, bits in self._holding(predicate):
                where[name] = where.get(name, 0) | (bits & chosen)
        return [(name, self._values(name, bits, rows)) for name, bits in where.items() if bits]

    def _holding(self, predicate: Predicate) -> Iterator[tuple[str, int]]:
        if predicate.field is not None:
            for name in sorted(fields(predicate)):
                yield name, self._holds(predicate)
            return
        hits = self._hits.get(self._program.numbers[predicate], ())
        names = {id(column): name for name, column in self._columns.items()}
        for column, codes in hits:
            yield names[id(column)], column.rows(codes)

    def text(self, name: str, rows: bitset.Rows) -> list[str | None]:
        """The value of a field, or of a column of the envelope where no field has that name, at `rows`."""
        column = self._column(name)
        if column is not None:
            return column.text(rows)
        if name in ENVELOPE_NAMES:
            return list(map(_text, self._batch.column(name).take(pa.array(rows)).to_pylist()))
        return [None] * len(rows)

    def _values(self, name: str, bits: int, rows: bitset.Rows) -> list[str | None]:
        column = self._column(name)
        if column is None:
            return [None] * len(rows)
        held = bitset.to_mask(bits, self._rows)[rows].tolist()
        return [value if hold else None for value, hold in zip(column.text(rows), held, strict=True)]


def positive(expression: Expression, negated: bool = False) -> Iterator[Predicate]:
    """The predicates that speak for a match, not those that only exclude."""
    kind, body = expression
    if kind == "is" and not negated:
        yield body
    elif kind == "not":
        yield from positive(body, not negated)
    elif kind in ("and", "or"):
        for part in body:
            yield from positive(part, negated)


def _mask(rows: bitset.Rows, total: int) -> bitset.Mask:
    mask = np.zeros(total, np.bool_)
    mask[rows] = True
    return mask


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
