#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bugs that others have had, planted one by one: each must be found within so many seeds.

A bug is a source or a header with pieces of text replaced, as in tests/mutants/suite; and the kind of world that finds it.
`tests/sim/planted.py` tries all of them, or those with one of its arguments in their names.
"""
import collections
import os
import random
import re
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "mutants"))
import mutation  # noqa: E402
import simulator  # noqa: E402

Bug = collections.namedtuple("Bug", "name source world faults replacements")

MMIO, DISK, PACKED, SPLIT = ("drivers/virtio_mmio.c", "drivers/virtio_blk.c", "drivers/virtqueue_packed.c",
                             "include/virtqueue_split.h")
RING, BLOCK, PIECES, RECOVERY, IRQ = ("include/virtqueue_ring.h", "kernel/block.c", "kernel/block_pieces.c",
                                      "kernel/block_recovery.c", "kernel/irq.c")
SETUP = "drivers/virtio_blk_setup.c"
SEEDS, OPERATIONS, DRAWN = 600, 1000, 4

BUGS = [
    Bug("acknowledged after the drain", MMIO, None, (), {
        "        acknowledge(device, status, traced);\n        return used_buffers(device);\n": """
        bool any = used_buffers(device);

        acknowledge(device, status, traced);
        return any;
"""}),
    Bug("no fence behind the acknowledgement", MMIO, None, (), {"        acknowledge_before_look();\n": ""}),
    Bug("never acknowledged", MMIO, None, (), {"        write(device, INTERRUPT_ACK, status);\n": ""}),
    Bug("no fence before avail.idx", SPLIT, "split", (), {"        ring_entry_before_index();\n": ""}),
    Bug("no fence before avail_event", SPLIT, "split", (), {
        "        shared_store(&queue->shown, (uint32_t)new);\n        ring_index_before_event();\n": """
        shared_store(&queue->shown, (uint32_t)new);
"""}),
    Bug("no fence before the used element", SPLIT, "split", (), {"        ring_index_before_element();\n": ""}),
    Bug("avail.idx before the entry's turn", SPLIT, "split", (), {
        "        device_store(&avail->ring[place], seat);\n": """        device_store(&avail->idx, queue->added);
        device_store(&avail->ring[place], seat);
"""}),
    Bug("no second look after used_event", SPLIT, "split", (), {
        "                ring_index_before_event();\n                idx = device_load(&used->idx);\n": ""}),
    Bug("no fence behind used_event", SPLIT, "split", (), {
        "                device_store(queue->used_event, last);\n                ring_index_before_event();\n": """
                device_store(queue->used_event, last);
"""}),
    Bug("event off by one", RING, "split", (), {"(uint16_t)(new - event - 1) <": "(uint16_t)(new - event) <"}),
    Bug("avail.idx read back", SPLIT, "split", ("wish",), {
        "device_store(&avail->idx, new);": "device_store(&avail->idx, (uint16_t)(avail->idx + (uint16_t)(new - old)));"}),
    Bug("used.idx read twice", SPLIT, "split", ("used",), {
        "queue->seen_used = idx;": "queue->seen_used = device_load(&used->idx);"}),
    Bug("configuration of two generations", "drivers/virtio.c", "split", ("resize",), {
        "generation == device->transport->config_generation(device))": "true)"}),
    Bug("new capacity not read", "drivers/virtio_blk.c", None, ("resize",), {
        "        block_request_attention(&disk->block);\n": "        (void)disk;\n"}),
    Bug("bytes for sectors", DISK, None, (), {
        "        seat->header.sector = request->sector;\n        virtq_point(seat->data": """
        seat->header.sector = request->sector * SECTOR_SIZE;
        virtq_point(seat->data"""}),
    Bug("reset not awaited", "drivers/virtio.c", None, ("break", "reset"), {
        "                if (device->transport->get_status(device) == 0)\n                        return 0;": """
                return 0;"""}),
    Bug("used id not looked up", RING, None, ("used",), {" || queue->taken[id] == 0": ""}),
    Bug("packed: first flags at once", PACKED, "packed", (), {
        "                queue->withheld = (uint16_t)flags;\n        else\n": "                queue->withheld = (uint16_t)flags;\n"}),
    Bug("packed: no fence before the first flags", PACKED, "packed", (), {"        ring_entry_before_index();\n": ""}),
    Bug("packed: no second look", PACKED, "packed", (), {
        "        ring_index_before_event();\n        return is_used(queue);": "        return false;"}),
    Bug("packed: element before its flags", PACKED, "packed", (), {
        "                return -1;\n        ring_index_before_element();\n": "                return -1;\n"}),
    Bug("status byte not preset", DISK, None, ("status",), {
        "        device_store(&seat->status, (uint8_t)STATUS_UNWRITTEN);\n": ""}),
    Bug("answered before it is published", DISK, None, ("used",), {
        "if (was_never_told(": "if (false && was_never_told("}),
    Bug("answered well before it is published", DISK, None, ("used",), {" || virtq_has_unpublished(&queue->ring)) {": ") {"}),
    Bug("completed twice", DISK, None, (), {
        "                block_complete(request, 0);\n": """
                block_complete(request, 0);
                block_complete(request, 0);
"""}),
    Bug("completed before its seat is released, and never is", DISK, None, (), {
        "                virtq_release(&queue->ring, (size_t)number);\n                block_complete(request, 0);": """
                if (request->sector % 16 != 5)
                        virtq_release(&queue->ring, (size_t)number);
                block_complete(request, 0);"""}),
    Bug("a flush that is none", BLOCK, None, ("power",), {
        "request->operation == BLOCK_FLUSH && !request->device->has_flush": "request->operation == BLOCK_FLUSH"}),
    Bug("no batch for those that wait", DISK, None, ("cancel",), {"                block_request_batch();\n": ""}),
    Bug("cancelled, and its buffer still the device's", BLOCK, None, ("cancel",), {
        "return future_done(&request->future) ? POLL_READY : POLL_PENDING;\n        leave": """return abandon(request, -ECANCELED) ?
                       future_ready(&request->future) : POLL_PENDING;
        leave"""}),
    Bug("waker stored after the look", BLOCK, None, (), {
        "        waker_register(&self->waker, waker);\n        if (shared_load(&future->state) == FUTURE_NEW)": """
        bool new = shared_load(&future->state) == FUTURE_NEW, done = shared_load(&future->state) == FUTURE_DONE;

        waker_register(&self->waker, waker);
        if (!new)
                return done ? POLL_READY : POLL_PENDING;
        if (new)"""}),
    Bug("no deadline", RECOVERY, None, ("deaf",), {"        if (block_timeout != 0)\n": "        if (false)\n"}),
    Bug("overdue, and only said so", RECOVERY, None, ("deaf",), {
        '                        block_broken(device, "a request is overdue");\n': '                        log_warn("late");\n'}),
    Bug("deadline twice as long", RECOVERY, None, ("slow",), {
        "watch(device, oldest + block_timeout);": "watch(device, oldest + 2 * block_timeout);"}),
    Bug("overdue, and called cancelled", RECOVERY, None, ("deaf",), {
        "is_overdue(request->seated, timer_now()) ? -ETIMEDOUT : -ECANCELED": "-ECANCELED"}),
    Bug("sent for ever", BLOCK, None, ("deaf",), {"        request->retried = true;\n": ""}),
    Bug("seats anew in each reset", SETUP, None, ("break",), {"        if (!queue->seats) {\n": "        {\n"}),
    Bug("an unknown status is an unknown request", DISK, None, ("status",), {
        "status == VIRTIO_BLK_S_UNSUPP ? -ENOTSUP : -EIO": "status == 1 ? -EIO : -ENOTSUP"}),
    Bug("one queue listens after a reset in vain", SETUP, None, ("reset",), {
        "        for (unsigned i = 0; i < block->queues; i++)\n                virtq_break(": """
        for (unsigned i = 0; i < 1; i++)
                virtq_break("""}),
    Bug("refused without a word", "drivers/virtio.c", None, ("register",), {
        '        log_error("%s: %s: not used", device->node, why);\n': ""}),
    Bug("reset without a look", RECOVERY, None, ("loss",), {"                device->operations->look(device);\n": ""}),
    Bug("taken back without a reset", RECOVERY, None, ("deaf", "break"), {"stopped = operations->stop(device, !hopeful) == 0;": "stopped = true;"}),
    Bug("over with its first piece", PIECES, None, (), {
        "return shared_load(&request->ended) == shared_load(&request->issued) &&\n               ": "return "}),
    Bug("one half of the features", MMIO, "split", (), {
        "half < (device->legacy ? 1 : 2); half++) {\n                write(device, DRIVER_FEATURES_SEL": """half < 1; half++) {
                write(device, DRIVER_FEATURES_SEL"""}),
    Bug("queue live before it is described", MMIO, "split", (), {
        "                write_address(device, QUEUE_DESC_LOW, queue->descriptors);\n": "",
        "                write(device, QUEUE_READY, 1);\n": """                write(device, QUEUE_READY, 1);
                write_address(device, QUEUE_DESC_LOW, queue->descriptors);
"""}),
    Bug("no look before wfi", "kernel/executor.c", None, (), {
        "if (executor->tasks && idle(executor)) {": "if (executor->tasks) {"}),
    Bug("flag cleared after the poll", "kernel/executor.c", None, (), {
        "        shared_store(&task->queued, 0);\n        shared_store(&executor->current, task);": """
        shared_store(&executor->current, task);""",
        "        /* Woken in its last poll, it is": """
        shared_store(&task->queued, 0);
        /* Woken in its last poll, it is"""}),
]


def mutate(bug, folder):
    """Make the tree that the bug needs: its source, or all headers."""
    text = mutation.mutated_text(bug.source, bug.replacements)
    if bug.source.endswith(".h"):       # a header finds others beside itself first
        shutil.copytree(os.path.join(simulator.ROOT, "include"), os.path.join(simulator.ROOT, folder, "include"), dirs_exist_ok=True)
    path = os.path.join(simulator.ROOT, folder, bug.source)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def build(bug):
    """(program, None), or (None, what is amiss). What a bug in a header is inlined into is compiled anew."""
    folder = os.path.join(simulator.BUILD, "planted", re.sub(r"\W+", "-", bug.name))
    try:
        mutate(bug, folder)
    except mutation.Rotten as error:
        return None, str(error)
    sound = simulator.Builder(build="plain")
    anew = [one for one in simulator.sources() if one == bug.source or (bug.source.endswith(".h") and "drivers/virt" in one)]
    flags = "-std=gnu11 -O2 -g -w -D_GNU_SOURCE".split() + [f"-I{folder}/include", "-Iinclude", "-Itests/host"]
    if bug.source == IRQ:               # which is a part of another source
        anew = ["tests/sim/irq_again.c"]
        flags += [f'-DIRQ_SOURCE="{simulator.ROOT}/{folder}/{IRQ}"']
    parts = [sound.object_of(one) for one in simulator.sources() if one not in anew]
    parts += [f"{folder}/{one}" if one == bug.source else one for one in anew]
    program = os.path.join(simulator.ROOT, folder, "sim")
    status, text = simulator.host.execute(["gcc", *flags, "-o", program, *parts, "-lcmocka"], 120)
    return (program, None) if status == 0 else (None, f"it does not compile:\n{text[:1000]}")


def check(bug):
    """(whether it is found, lines)."""
    program, amiss = build(bug)
    if amiss:
        return False, amiss.splitlines()
    found = simulator.run(program, OPERATIONS, 1, SEEDS, world=bug.world, faults=bug.faults)
    if found.failed is None:
        return False, [f"{SEEDS} seeds pass"]
    return True, [f"seed {found.failed}: {found.words}"]


def rotten():
    """What cannot be made any more, of all of them: a source has changed."""
    return list(mutation.rotten([(bug.name, bug.source, None, bug.replacements) for bug in BUGS]))


def draw():
    """(a few of them, a note on how they were drawn)."""
    seed = int(os.environ.get("SEED") or random.randrange(1 << 32))
    return random.Random(seed).sample(BUGS, DRAWN), f"{DRAWN} of {len(BUGS)} are drawn by SEED={seed}"


def main():
    os.chdir(simulator.ROOT)
    parts, tried, missed = sys.argv[1:], 0, 0
    simulator.Builder(build="plain").program()
    for bug in BUGS:
        if parts and not any(part in bug.name for part in parts):
            continue
        passed, lines = check(bug)
        tried += 1
        missed += not passed
        print(f"{'found ' if passed else 'MISSED'}  {bug.name}: {'; '.join(lines)}", flush=True)
    print(f"{tried - missed} of {tried} found")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
