# SPDX-License-Identifier: MIT
"""A disk that lies, beside one that does not: the menu of hostile.py against the real kernel."""
import os

import disk
from hostile import LIES, Liar, Lie
from hostile_boot import COUNT, KERNEL, boot, check_run, constant_segments, run_lie, run_seed
from tap import Failure, expect, expect_equal, test
from test_device import reasons
from vhost_user import F_PROTOCOL, FEATURES
from virtio_trace import STATUS

MODERN, LEGACY = {"transport": "modern"}, {"transport": "legacy"}
CHAINED, SIMPLE, QUEUES = ({"device": device} for device in ("indirect_desc=off", "event_idx=off", "num-queues=4"))
PACKED = {"transport": "modern", "device": "packed=on", "ring": "ring=packed"}
# Of the split ways each lie meets two at each time, in all of them both transports, with tables and with chains.
SPLIT = [{**MODERN}, {**LEGACY, **CHAINED}, {**MODERN, **CHAINED}, {**LEGACY}, {**MODERN, **SIMPLE}, {**MODERN, **QUEUES}]
PACKEDS = [{**PACKED}, {**PACKED, "device": "packed=on,indirect_desc=off"}, {**PACKED, "device": "packed=on,event_idx=off"}]
TIMES = {"first": (0,), "in the middle": (30,), "now and then": range(7, 1000, 29), "from the 20th on": range(20, 100000)}
SEEDS = 40              # hostile_soak has more of them


def ways(lie):
    """In which a ring can be had in which the lie can be told."""
    return (SPLIT if lie.only != "packed" else []) + (PACKEDS if lie.only != "split" else [])


def check_lie(run, liar, lie, when):
    """Told, and survived as the menu says."""
    codes = {"first": lie.once, "in the middle": lie.once, "now and then": lie.once + lie.always}.get(when, lie.always)
    check_run(run, codes, lie.says)
    expect(liar.told[lie.name] > 0, "the lie was never told")
    expect(lie.harms or not liar.faults, f"the driver was at fault: {liar.faults[:3]}")
    if lie.resets is not None and when in ("first", "in the middle"):
        expect_equal("resets", len(reasons(run)), lie.resets) # perhaps behind the result line
    if lie.why and when in ("first", "in the middle"):
        expect_equal("why it is reset", reasons(run), [lie.why])
    if lie.retires and when.startswith("from"):
        expect("it is not used any more" in run.text, f"after {len(reasons(run))} resets it is still used")
        expect_equal("its status at the end, FAILED", [value for at, value in run.accesses if at == STATUS and value is not None][-1], 128)


def tell(t, lie, when, way):
    run, liar = run_lie(t, lie, TIMES[when].__contains__, **way)
    try:
        check_lie(run, liar, lie, when)
    except Failure as problem:
        raise Failure(f"{problem}\nin this way: {way}") from problem
    return run, liar


for _number, _lie in enumerate(LIES):
    for _turn, _when in enumerate(TIMES, _number):
        @test(f"hostile: {_lie.name}, {_when}", lie=_lie, when=_when, chosen=ways(_lie)[_turn % 4::4])
        def told(t, lie, when, chosen):
            for way in chosen or ways(lie)[-1:]:
                tell(t, lie, when, way)


@test("hostile: one place is never answered for, modern", transport="modern")
@test("hostile: one place is never answered for, legacy", transport="legacy")
def one_place(t, transport):
    """Each request for it is sent twice and given up; all others go on, and so does the disk."""
    place = Lie("one place", lambda device, queue, request: request.sector == 64 and request.data or Liar.honest(device, queue, request),
                slow=True)
    run, _ = run_lie(t, place, lambda _: True, transport, count=COUNT)
    check_run(run, (2,))
    result = run.only("result")
    expect(0 < result["timeout"] < 15 and result["ok"] + result["timeout"] == COUNT, f"{result}")
    expect("not used any more" not in run.text, "it is given up")


def start_as(t, config, append="", transport="modern", device="", features=FEATURES):
    liar = Liar(t.path("socket"), config=config, features=features)
    run = boot(t, liar, f"iodepth=4 {append}", transport, device)
    os.remove(t.path("socket"))
    return run, liar


@test("hostile: a block that makes no sense", field="blk_size", values=(0, 1, 3, 511, 1 << 22, 1 << 31, (1 << 32) - 1), words="makes no sense")
@test("hostile: segments without a block", field="size_max", values=(0, 1, 511), words="hold no block")
def refused(t, field, values, words):
    """It is left alone in words; the other disk is the first then."""
    for number, value in enumerate(values):
        run, liar = start_as(t, {field: value}, transport=("modern", "legacy")[number % 2])
        check_run(run, (0,))
        expect(any(words in line and line.endswith("not used") for line in run.starting("error: ")), f"{field}={value}: not refused: {run.lines}")
        expect_equal("requests", liar.counts["requests"], 0)


@test("hostile: a capacity of all ones", field="capacity", values=((1 << 64) - 1, 1 << 63, 1 << 55))
@test("hostile: segments of one block, and of all ones", field="size_max", values=(512, 513, 4096, (1 << 32) - 1))
@test("hostile: as many segments as that", field="seg_max", values=(0, 1, 65535, (1 << 32) - 1))
@test("hostile: a write cache of some value", field="writeback", values=(0, 2, 255))
@test("hostile: discards that make no sense", field="max_discard_sectors", values=(0, 1, (1 << 32) - 1))
@test("hostile: discards aligned to that", field="discard_sector_alignment", values=(0, 3, (1 << 32) - 1))
@test("hostile: a block of 4096 bytes", field="blk_size", values=(4096,))
def endured(t, field, values):
    for value in values:
        for transport in ("modern", "legacy"):
            for device in ("", "indirect_desc=off"):
                run, liar = start_as(t, {field: value}, "", transport, device)
                expect_equal(f"exit with {field}={value}", check_run(run, (0,)), 0)
                expect(liar.counts["requests"] > 60 and not liar.faults, f"{liar.counts}, {liar.faults}")


@test("hostile: no capacity", config={"capacity": 0}, code=3, words="no room")
@test("hostile: less capacity than a block", config={"capacity": 7, "blk_size": 4096}, code=3, words="no room")
@test("hostile: less capacity than the span", config={"capacity": 100}, code=4, words="beyond the end")
@test("hostile: larger blocks than requests", config={"blk_size": 8192}, code=4, words="logical block")
def too_small(t, config, code, words):
    for transport in ("modern", "legacy"):
        run, _ = start_as(t, config, transport=transport)
        run.check_words(code, words)
        run, _ = start_as(t, config, "disk=1", transport)
        check_run(run, (0,))


@test("hostile: all 64 features", features=(1 << 64) - 1, codes=(2,))       # among them, that it is read-only
@test("hostile: no feature, modern", features=F_PROTOCOL, codes=(0,), words="VIRTIO_F_VERSION_1")
@test("hostile: no feature, legacy", features=F_PROTOCOL, codes=(0,), transport="legacy")
@test("hostile: 64 queues, and 65535 by its configuration", features=FEATURES, codes=(0,), device="num-queues=64")
def features(t, features, codes, words="", transport="modern", device=""):
    run, liar = start_as(t, {"num_queues": 65535}, "", transport, device, features)
    check_run(run, codes)
    expect(words in "\n".join(run.lines), f"{words} is not told: {run.lines}")
    expect(words or liar.counts["requests"] > 0, "it was not used")


def must_fail(function, words):
    try:
        function()
    except Failure as problem:
        expect(words in str(problem), f"it fails otherwise: {problem}")
    else:
        raise Failure(f"nobody says: {words}")


@test("hostile: it would be seen: a byte of the constants is changed")
def memory_is_checked(t):
    *_, (address, data) = constant_segments(KERNEL.file("squall.elf"))
    last = address + len(data) - 1
    change = Lie("change", lambda device, queue, request: (device.memory.store(last, ~data[-1], 1), device.honest(queue, request)))
    must_fail(lambda: boot(t, Liar(t.path("socket"), change, lambda n: n == 5)), "text or constants have changed")


@test("hostile: it would be seen: the other disk forgets what is written to it")
def neighbour_is_checked(t):
    run = boot(t, Liar(t.path("socket")), other=disk.null(disk.MIB))
    must_fail(lambda: check_run(run, (0,)), "the other disk: ")


def survive(t, seed):
    """One seed; how to have it again is told if it is not survived."""
    try:
        run, mutant = run_seed(t, seed)
        check_run(run, (0, 1, 2, 3, 4))
        return run, mutant
    except Exception as problem:
        raise Failure(f"{problem}\nonce more: tests/qemu/hostile_soak --first {seed} --seeds 1") from problem


for _first in range(1, SEEDS, 10):
    @test(f"hostile: seeds {_first} to {_first + 9}", first=_first)
    def mutated(t, first):
        mutations = 0
        for seed in range(first, first + 10):
            run, mutant = survive(t, seed)
            mutations += mutant.counts["mutations"] + sum(mutant.told.values())
        expect(mutations > 100, f"only {mutations} mutations")
