# SPDX-License-Identifier: MIT
"""The lines that the kernel promises to a program that reads its console."""
import re

NUMBER = r"(?:0|[1-9]\d*)"
HEX64 = r"0x[0-9a-f]{16}"
HEX = r"0x(?:0|[1-9a-f][0-9a-f]*)"

# Each whole line, and nothing else on it.
LINES = {
    "squall": rf"squall \d\S* build=[0-9a-f]{{16}} hart={NUMBER} harts={NUMBER} mem={NUMBER}",
    "disk": rf"disk (?P<disk>{NUMBER}) node=\S+ transport=(?:mmio-legacy|mmio-modern|memory) capacity={NUMBER} "
            rf"block={NUMBER} ro=[01] features={HEX64} offered={HEX64} queues={NUMBER} depth={NUMBER}",
    "durable": rf"durable seq={NUMBER}",
    "result": rf"result job=(?:demo|fill|verify|rw|bench) ok={NUMBER} ioerr={NUMBER} timeout={NUMBER} "
              rf"unsup={NUMBER} inval={NUMBER} reset={NUMBER} mismatch={NUMBER} device_resets={NUMBER}",
    "bench": rf"bench rw=\w+ bs={NUMBER} iodepth={NUMBER} ios={NUMBER} iops={NUMBER} bw={NUMBER} "
             rf"lat_ns={NUMBER}/{NUMBER}/{NUMBER} clat_ns={NUMBER}/{NUMBER}/{NUMBER}/{NUMBER} "
             rf"instr={NUMBER} kicks={NUMBER} irqs={NUMBER}",
    "bin": rf"bin clat_ns={NUMBER} reads={NUMBER} writes={NUMBER}",
    "rng": rf"rng bytes=(?P<bytes>{NUMBER}) data=(?P<data>(?:[0-9a-f]{{2}})+)",
    "cost": rf"cost what=\S+ (?:instr|bytes)={NUMBER}",
    "panic": rf"panic cause=(?P<cause>.+) sepc=(?P<sepc>{HEX}) "
             rf"\((?P<place>\w+\+{HEX}(?: \S+:\d+)?|\?)\) stval=(?P<stval>{HEX})",
    "exit": rf"exit (?P<code>{NUMBER})",
}

# The first line that is the kernel's own, and not the firmware's.
OURS = re.compile(r"(squall|error:|warning:|debug:|panic) ")

FAILURES = ("ioerr", "timeout", "unsup", "inval", "reset")


def tag(line):
    """The promise that a line claims to keep, or None: it is for people."""
    word = line.split(" ")[0]
    return word if word in LINES else None


def parse(line):
    """The fields of a promised line, numbers as numbers; None when it is not as promised."""
    match = re.fullmatch(LINES[tag(line)], line)
    if not match:
        return None
    fields = dict(re.findall(r"(\w+)=(\S+)", line))
    fields.update(match.groupdict())
    return {key: number(value) for key, value in fields.items()}


def number(text):
    if re.fullmatch(HEX, text) or re.fullmatch(HEX64, text):
        return int(text, 16)
    return int(text) if re.fullmatch(NUMBER, text) else text


def problems(lines):
    """What is wrong with the form of a run's console, whatever the run was to do."""
    for line in lines:
        if not re.fullmatch(r"[ -~]*", line):
            yield f"not plain text: {line!r}"
        if tag(line) and parse(line) is None:
            yield f"not as the contract has it: {line!r}"
    tags = [tag(line) for line in lines]
    for once in ("squall", "result", "panic", "exit"):
        if tags.count(once) > 1:
            yield f"{tags.count(once)} {once} lines"
    if not lines or tags[-1] != "exit":
        yield "the last line is not the exit line"


def code_of_result(result):
    """The exit code that a result line stands for."""
    if result["mismatch"]:
        return 1
    return 2 if any(result[key] for key in FAILURES) else 0
