# SPDX-License-Identifier: MIT
"""How a run ended, and whether it ended as it should."""
import contract
import virtio_trace
from tap import Failure, expect, expect_equal

LAST_LINES = 15


def own_lines(text):
    """The kernel's lines: the firmware speaks first."""
    lines = text.split("\n")
    start = next((i for i, line in enumerate(lines) if contract.OURS.match(line)), len(lines))
    return [line for line in lines[start:] if line]


class Result:
    """status: QEMU's, None when it had to be killed. hung: it ran out of time."""

    def __init__(self, text, status, hung, legacy, log, stderr):
        self.text, self.status, self.hung, self.legacy = text, status, hung, legacy
        self.lines = own_lines(text)
        self.accesses, self.guest_errors = virtio_trace.split_log(log)
        self.stderr = stderr.splitlines()
        self.usage = self.seconds = self.limit = None

    def details(self):
        yield f"QEMU's status: {self.status}; the console's last lines:"
        yield from (f"| {line}" for line in (self.lines or self.text.splitlines())[-LAST_LINES:])
        yield from (f"QEMU says: {line}" for line in self.stderr[:LAST_LINES])

    def all(self, tag):
        """The fields of each line of the contract that begins with `tag`."""
        return [contract.parse(line) for line in self.lines if contract.tag(line) == tag]

    def only(self, tag):
        found = self.all(tag)
        expect_equal(f"number of {tag} lines", len(found), 1)
        return found[0]

    def starting(self, prefix):
        return [line for line in self.lines if line.startswith(prefix)]

    def problems(self, provoked=()):
        """What must not be in any run, whatever it is for."""
        if self.hung:
            last = self.lines[-LAST_LINES:] or ["(the console stayed empty)"]
            yield "\n".join([f"a hang: no end within {self.limit:g} s; the console's last lines:", *last])
            return
        yield from contract.problems(self.lines)
        complaints = [f"QEMU finds fault with the guest: {line}" for line in self.guest_errors]
        complaints += [f"QEMU complains: {line}" for line in self.stderr]
        yield from (line for line in complaints if not any(part in line for part in provoked))
        yield from virtio_trace.problems(self.accesses, self.legacy)

    def check(self, code, result=None, statuses=None, provoked=()):
        """The run must have ended well in form, with `code`; returns itself.

        result: counts that the result line must have. statuses: what QEMU's own status may be
        when that need not be the code. provoked: parts of QEMU's complaints that the test provokes.
        """
        found = list(self.problems(provoked))
        if found:
            raise Failure("\n".join(found))
        expect_equal("the exit line's code", self.only("exit")["code"], code)
        expect(self.status in (statuses or (code,)), f"QEMU's status: {self.status}, not {code}")
        expect_equal("number of panics", len(self.all("panic")), int(code == 5))
        for line in self.all("result"):
            least = contract.code_of_result(line)
            expect(not least or code == least, f"exit {code} after a result that stands for {least}")
        for key, value in (result or {}).items():
            expect_equal(f"{key} in the result line", self.only("result")[key], value)
        return self

    def check_words(self, code, *words):
        """The run must have ended with `code`, and some error line must have all the words in it."""
        self.check(code)
        told = self.starting("error: ")
        expect(any(all(word in line for word in words) for line in told),
               f"no error line has {words} in it, but there are: {told}")
        return self

    def check_refusal(self, code, *words, statuses=None, provoked=()):
        """One sentence that says why, with `words` in it, and the end; returns the sentence."""
        self.check(code, statuses=statuses, provoked=provoked)
        errors = self.starting("error: ")
        expect_equal("number of error lines", len(errors), 1)
        for word in words:
            expect(word in errors[0], f"{word!r} is not in: {errors[0]}")
        expect_equal("the line before the exit line", self.lines[-2], errors[0])
        return errors[0]
