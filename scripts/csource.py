# SPDX-License-Identifier: MIT
"""What the checks need to know of C: where comments end and functions begin."""
import re

_TOKEN = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.M)
_ASM_COMMENT = re.compile(r"^[ \t]*#(?!\s*(?:include|define|undef|if|ifdef|ifndef|else|elif|endif)\b)"
                          r"[^\n]*", re.M)


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments(text, strings=True):
    """The text with comments (and what is inside strings, if not `strings`) made blank.
    Every character keeps its place, so line numbers stay true."""
    def replace(match):
        token = match[0]
        if token[0] == "/":
            return _blank(token)
        return token if strings else token[0] + _blank(token[1:-1]) + token[-1]
    return _TOKEN.sub(replace, text)


def assembly_without_comments(text):
    return without_comments(_ASM_COMMENT.sub("", text))


def code_only(text):
    """Without comments, string contents and preprocessor lines."""
    return _DIRECTIVE.sub(lambda match: _blank(match[0]), without_comments(text, strings=False))


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


class Function:
    """A function's definition; `head`, `start` and `end` are offsets: its first word, its braces."""

    def __init__(self, code, name, head, start, end):
        self.name, self.head, self.start, self.end = name, head, start, end
        self.line = line_of(code, head)
        self.lines = line_of(code, end) - self.line + 1


def functions(code):
    """Every function definition in the result of code_only()."""
    depth = head = start = 0
    for match in re.finditer(r"[{};]", code):
        mark, at = match[0], match.start()
        if mark == "{":
            if depth == 0:
                start = at
            depth += 1
            continue
        depth -= mark == "}"
        if depth > 0:
            continue
        words = code[head:start] if mark == "}" else ""
        plain = re.sub(r"__attribute__\s*\(\(.*?\)\)", "", words, flags=re.S)
        found = re.search(r"(\w+)\s*\(", plain)
        if found and "=" not in plain:
            yield Function(code, found[1], head + len(words) - len(words.lstrip()), start, at)
        head = at + 1
