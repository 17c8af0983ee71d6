# SPDX-License-Identifier: MIT
"""Simple mutants of a C file: one operator, condition, constant or return
value is changed. Works on the text, as clang-format leaves it; comments,
strings, preprocessor lines, type definitions, assertions and initializers
that are all zero are not touched."""

import re
from dataclasses import dataclass

COMPARISON = {"<": "<=", "<=": "<", ">": ">=", ">=": ">",
              "==": "!=", "!=": "=="}
CONNECTIVE = {"&&": "||", "||": "&&"}
KINDS = ("comparison", "connective", "negation", "constant", "return")


@dataclass(frozen=True)
class Mutant:
    path: str
    kind: str
    start: int      # the change replaces text[start:end]
    end: int
    new: str
    line: int
    function: str
    source: str     # the line, without the blanks around it
    change: str     # "old -> new", with "#2" for the second in its line

    def apply(self, text):
        return text[:self.start] + self.new + text[self.end:]


def mask(text):
    """Blanks of the same length for all that is no code."""
    def blank(m):
        return re.sub(r"[^\n]", " ", m.group(0))

    text = re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\""
                  r"|'(?:\\.|[^'\\\n])*'", blank, text, flags=re.S)
    text = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", blank, text, flags=re.M)
    return re.sub(r"\b(static_)?assert\([^;]*;|\{ 0 \}", blank, text)


def blocks(code):
    """(start, end, name, head) of each block in braces at the left margin."""
    for m in re.finditer(r"^[^\s#{}][^;{}]*\{", code, re.M):
        end = code.find("\n}", m.end())
        if end < 0:
            end = len(code)
        head = m.group(0)
        if re.match(r"(typedef |static )*(enum|struct|union)( \w+)? *\{",
                    head):
            continue
        name = re.search(r"(\w+)(?:\[[^\]]*\])*(?:\(| = \{)", head)
        yield m.end(), end, name.group(1) if name else "?", head


def close_of(code, at):
    """The offset of the parenthesis that closes the one at @at."""
    depth = 0
    for i in range(at, len(code)):
        depth += (code[i] == "(") - (code[i] == ")")
        if not depth:
            return i
    return len(code)


def operators(code, start, end):
    for m in re.finditer(r"(?<=[ \t])(<=|>=|==|!=|<|>|&&|\|\|)(?=[ \n])",
                         code[start:end]):
        op = m.group(1)
        kind = "comparison" if op in COMPARISON else "connective"
        new = COMPARISON.get(op) or CONNECTIVE[op]
        yield kind, start + m.start(), start + m.end(), new


def negations(code, start, end):
    for m in re.finditer(r"(?<![!\w])!(?=[\w(*&])", code[start:end]):
        yield "negation", start + m.start(), start + m.end(), ""
    for m in re.finditer(r"\b(?:if|while) \(", code[start:end]):
        opening = start + m.end() - 1
        closing = close_of(code, opening)
        inner = code[opening + 1:closing]
        if not re.match(r"![^&|]*$", inner):
            yield "negation", opening, closing + 1, None


def constants(code, start, end):
    for m in re.finditer(r"(?<![\w.])(0x[0-9a-fA-F]+|\d+|true|false)"
                         r"(?=[^\w.])", code[start:end]):
        old = m.group(1)
        before = code[:start + m.start()]
        if re.search(r"\w[ \t]+\**\w+(\[\w+\])*\[$", before):
            continue        # the size of an array
        if re.search(r"\breturn -?$", before):
            continue        # another kind
        if old in ("true", "false"):
            new = "false" if old == "true" else "true"
        elif re.match(r"0[0-7]", old):
            new = f"0{int(old, 8) + 1:o}"
        else:
            value = int(old, 0)
            new = str({0: 1, 1: 0}.get(value, value + 1))
        yield "constant", start + m.start(), start + m.end(), new


def returns(code, start, end, head):
    is_bool = re.match(r"(static |inline |const )*bool\s", head)
    for m in re.finditer(r"\breturn ([^;]+);", code[start:end]):
        value = m.group(1)
        turned = {"true": "false", "false": "true", "0": "-1", "-1": "0",
                  "1": "0"}.get(value)
        if not turned and is_bool:
            turned = f"!({value})"
        if turned:
            yield ("return", start + m.start(1), start + m.end(1),
                   None if turned.startswith("!(") else turned)


def mutants_of(path, text):
    code = mask(text)
    found, seen = [], {}
    for start, end, name, head in blocks(code):
        changes = [*operators(code, start, end), *negations(code, start, end),
                   *constants(code, start, end),
                   *returns(code, start, end, head)]
        for kind, a, b, new in sorted(changes, key=lambda c: c[:3]):
            old = text[a:b]
            turned = new is None    # the whole expression
            if turned:
                new = f"(!{old})" if old.startswith("(") else f"!({old})"
            begin = text.rfind("\n", 0, a) + 1
            line = text[begin:text.find("\n", a)].strip()
            change = f"{old} -> {new or 'nothing'}"
            if turned:
                change = "turned round"
            key = (name, line, change)
            seen[key] = seen.get(key, 0) + 1
            if seen[key] > 1:
                change += f" #{seen[key]}"
            found.append(Mutant(path, kind, a, b, new,
                                text.count("\n", 0, a) + 1, name, line,
                                change))
    return found


def shuffled(mutants, rng):
    """All of them in a random order in which the kinds take turns."""
    piles = {}
    for m in mutants:
        piles.setdefault(m.kind, []).append(m)
    kinds = sorted(piles)
    rng.shuffle(kinds)
    for kind in kinds:
        rng.shuffle(piles[kind])
    order = []
    while piles:
        for kind in [k for k in kinds if k in piles]:
            order.append(piles[kind].pop())
            if not piles[kind]:
                del piles[kind]
    return order
