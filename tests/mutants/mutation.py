# SPDX-License-Identifier: MIT
"""Make mutants, build the test program that is to find each, and run it; see suite."""
import concurrent.futures
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.join(os.environ.get("O") or "build", "mutants")
CC = os.environ.get("CC") or "gcc"
CACHE = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
LIBFDT = os.environ.get("LIBFDT") or os.path.join(CACHE, "squall", "libfdt")
# Not for speed, but for little work: most of these are run for less time than they are compiled.
# What would be undefined, and by chance harmless, is a trap.
FLAGS = [*"""-std=gnu11 -O1 -w -fsanitize=signed-integer-overflow,bounds -fsanitize-undefined-trap-on-error
             -Iinclude -Itests/host -isystem""".split(), LIBFDT]
WORKERS = 2
SECONDS, CPU_SECONDS = 200, 20      # of a busy host; of its processor
DRAWN = 20              # of the mutants, where all are not asked for


class Rotten(Exception):
    pass


def execute(command):
    """(exit status, or None when time ran out; what was printed)."""
    try:
        result = subprocess.run(command, cwd=ROOT, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired:
        return None, ""
    return result.returncode, result.stdout.decode("utf-8", "replace")


def has_program(program):
    return os.path.exists(os.path.join(ROOT, f"tests/host/test_{program}.c"))


def sources_of(program):
    path = f"tests/host/test_{program}.c"
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        named = re.search(r"\bsources:(.*?)\*/", file.read(2000), re.S)
    return [path, "tests/host/host.c", "kernel/trace.c", *(named[1].replace("\n *", " ").split() if named else [])]


def compile_source(source, output, *more):
    output = os.path.join(BUILD, output)
    os.makedirs(os.path.dirname(os.path.join(ROOT, output)), exist_ok=True)
    path = os.path.join(LIBFDT, source[len("libfdt/"):]) if source.startswith("libfdt/") else source
    status, text = execute([CC, *more, *FLAGS, "-c", "-o", output, path])
    if status != 0:
        raise Rotten(f"{source} does not compile:\n{text}")
    return output


def link_and_run(name, objects):
    """(what is amiss, or ""; the output)."""
    output = os.path.join(BUILD, name)
    status, text = execute([CC, "-o", output, *objects, "-lcmocka"])
    if status != 0:
        raise Rotten(f"{name} does not link:\n{text}")
    return run(os.path.join(ROOT, output))


def kill(child):
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def run(path):
    """(whether a test fails, the output up to there): the first that does is enough, and one that hangs has failed."""
    text = []
    with subprocess.Popen(["sh", "-c", f'ulimit -t {CPU_SECONDS}; exec "$0"', path], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
                          env={**os.environ, "CMOCKA_MESSAGE_OUTPUT": "STDOUT"}) as child:
        limit = threading.Timer(SECONDS, kill, [child])
        limit.start()
        for line in child.stdout:
            text.append(line.decode("utf-8", "replace"))
            if text[-1].startswith("[  FAILED  ]"):
                kill(child)
        limit.cancel()
    return child.returncode != 0, "".join(text)


def mutated_text(source, replacements):
    with open(os.path.join(ROOT, source), encoding="utf-8") as file:
        text = file.read()
    for old, new in replacements.items():
        if text.count(old) != 1:
            raise Rotten(f"{source} has this {text.count(old)} times, not once:\n{old}")
        text = text.replace(old, new)
    return text


def mutate(name, source, replacements, program):
    """The path of what is compiled with the mutant in it: itself, or the test that includes it."""
    text = mutated_text(source, replacements)
    path = os.path.join(BUILD, f"{name}.c")
    if source.endswith(".h"):       # a header finds others beside itself first
        shutil.copytree(os.path.join(ROOT, "include"), os.path.join(ROOT, BUILD, f"{name}.d", "include"), dirs_exist_ok=True)
        path = os.path.join(BUILD, f"{name}.d", source)
    elif source not in sources_of(program):
        shutil.copytree(os.path.join(ROOT, "kernel"), os.path.join(ROOT, BUILD, f"{name}.d", "kernel"), dirs_exist_ok=True)
        os.makedirs(os.path.join(ROOT, BUILD, f"{name}.d", "tests", "host"), exist_ok=True)
        shutil.copy(os.path.join(ROOT, sources_of(program)[0]), os.path.join(ROOT, BUILD, f"{name}.d", "tests", "host"))
        path = os.path.join(BUILD, f"{name}.d", source)
    with open(os.path.join(ROOT, path), "w", encoding="utf-8") as file:
        file.write(text)
    return path


def examine(mutant, objects, sound):
    """None, or why the mutant is not found as it should be."""
    name, source, program, replacements = mutant
    try:
        if sound[program].result()[0]:
            return f"test_{program}.c fails without it"
        path, sources = mutate(name, source, replacements, program), sources_of(program)
        if source.endswith(".h"):
            folder = os.path.join(BUILD, f"{name}.d")
            parts = [compile_source(one, f"{name}.d/{one}.o", f"-I{folder}/include") for one in sources]
        else:
            if source not in sources:       # the test includes it
                source, path = sources[0], os.path.join(BUILD, f"{name}.d", sources[0])
            mutated = compile_source(path, f"{name}.o")
            parts = [mutated if one == source else objects[one].result() for one in sources]
        failed, text = link_and_run(name, parts)
    except Rotten as error:
        return str(error)
    return None if failed else f"test_{program}.c passes:\n{text[-2000:]}"


def rotten(mutants):
    """What cannot be applied any more, of all mutants: those that are not drawn this time would tell nobody."""
    for name, source, _, replacements in mutants:
        try:
            mutated_text(source, replacements)
        except Rotten as error:
            yield f"{name}: {error}"
    names = [mutant[0] for mutant in mutants]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name}: there are two of that name"


def choose(mutants, arguments):
    """(those wanted, a note on how they were drawn)."""
    parts = [part for part in arguments if part != "--all"] or [part for part in [os.environ.get("TEST_FILTER")] if part]
    if parts:
        return [mutant for mutant in mutants if any(part in f"mutants/{mutant[0]}: is found" for part in parts)], ""
    if "--all" in arguments or os.environ.get("MUTANTS") == "all":
        return mutants, ""
    seed = int(os.environ.get("SEED") or random.randrange(1 << 32))
    return (sorted(random.Random(seed).sample(mutants, DRAWN), key=mutants.index),
            f"{DRAWN} of {len(mutants)} are drawn by SEED={seed}")


def report(number, name, problem, note=""):
    print(f"{'ok' if problem is None else 'not ok'} {number} - mutants/{name}")
    for line in (problem or note).splitlines():
        print(f"# {line}")
    sys.stdout.flush()
    return problem is not None


def main(mutants):
    if not shutil.which(CC):
        sys.exit(f"there is no {CC}")
    chosen, note = choose(mutants, sys.argv[1:])
    if sys.argv[1:] and not chosen:
        sys.exit(f"there is no mutant of that name: {' '.join(sys.argv[1:])}")
    chosen = [mutant for mutant in chosen if has_program(mutant[2])]
    problems = [*rotten(mutants), *(f"{name}: there is no tests/host/test_{program}.c" for name, _, program, _ in mutants
                                    if not has_program(program))]
    os.makedirs(os.path.join(ROOT, BUILD), exist_ok=True)
    programs = sorted({mutant[2] for mutant in chosen})
    failed = report(1, "each can still be made", "\n".join(problems) or None, note)
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        objects = {}        # source: its compilation
        for program in programs:
            for source in sources_of(program):
                if source not in objects:
                    objects[source] = pool.submit(compile_source, source, f"{source}.o")
        sound = {program: pool.submit(lambda one=program: link_and_run(
            one, [objects[source].result() for source in sources_of(one)])) for program in programs}
        ends = [pool.submit(examine, mutant, objects, sound) for mutant in chosen]
        for number, (mutant, end) in enumerate(zip(chosen, ends), 2):
            failed += report(number, f"{mutant[0]}: is found", end.result())
    print(f"1..{len(chosen) + 1}")
    print(f"# {len(chosen) + 1 - failed} of {len(chosen) + 1} found")
    sys.exit(1 if failed else 0)
