# SPDX-License-Identifier: MIT
"""Mutants of the block layer; see suite."""

BLOCK = "kernel/block.c"
PIECES = "kernel/block_pieces.c"
CHECK = "kernel/block_check.c"
RECOVERY = "kernel/block_recovery.c"

MUTANTS = [
    ("queue-not-recorded", BLOCK, "trace", {
        "                trace_record(TRACE_QUEUE, block_executor->current, request, (uint32_t)request->sector, request->operation);\n": """
                ;
"""}),
    ("end-in-the-queue-not-recorded", BLOCK, "trace", {
        "                        record_end(request);\n                        end(request);\n": "                        end(request);\n"}),
    ("block-looks-before-it-stores-the-waker", BLOCK, "interleave", {
        "        waker_register(&self->waker, waker);\n        if (shared_load(&future->state) == FUTURE_NEW)": """
        bool new = shared_load(&future->state) == FUTURE_NEW, done = shared_load(&future->state) == FUTURE_DONE;

        waker_register(&self->waker, waker);
        if (!new)
                return done ? POLL_READY : POLL_PENDING;
        if (new)"""}),
    ("piece-issued-after-its-submission", PIECES, "interleave", {
        "                shared_store(&request->issued, (uint16_t)(request->issued + 1));\n": "",
        "                if (error == 0) {\n": """                if (error == 0) {
                        shared_store(&request->issued, (uint16_t)(request->issued + 1));
""",
        "                shared_store(&request->issued, (uint16_t)(request->issued - 1));\n": ""}),
    ("last-error-wins", PIECES, "pieces", {
        "if (result != 0 && request->result == 0)": "if (result != 0)"}),
    ("over-with-its-first-piece", PIECES, "pieces", {
        "return shared_load(&request->ended) == shared_load(&request->issued) &&\n               ": "return "}),
    ("rest-sent-after-an-error", PIECES, "pieces", {
        "while (request->result == 0 && request->cut": "while (request->cut"}),
    ("part-put-off-by-each-batch", PIECES, "deadlines", {
        "                if (error == 0) {\n                        request->seated = device->clock++;": """
                request->seated = device->clock++;
                if (error == 0) {"""}),
    ("over-with-pieces-under-way", BLOCK, "pieces", {
        "        else if (abandon(request, error))\n": "        else if (abandon(request, error) || true)\n"}),
    ("deadline-that-is-over-is-not-seen-to", RECOVERY, "recovery", {
        "== POLL_READY)\n                block_request_attention(device);": "== POLL_READY)\n                return;"}),
    ("range-not-aligned", PIECES, "cutting", {"most - beyond : most;": "most : most;"}),
    ("newcomer-overtakes-a-rest", BLOCK, "pieces", {"        device->clock = 0;\n}": "}",
        "        if (!device->waiting) {": "        if (true) {", "                if (device->waiting)\n                        return": """
                if (false)
                        return"""}),
    ("shrunk-disk-asked-beyond-its-end", BLOCK, "disk", {
        ": block_check_range(device, request->sector, request->sectors, request->operation == BLOCK_WRITE);": ": 0;"}),
    ("canceller-of-what-ends-meanwhile-sleeps-on", BLOCK, "interleave", {
        "return future_done(&request->future) ? POLL_READY : POLL_PENDING;\n        leave": "return POLL_PENDING;\n        leave"}),
    ("cancelled-in-the-fifo-and-sent", BLOCK, "cancel", {
        "        leave_queue(request->device, request);\n        return": "        return"}),
    ("withdrawn-cancel-cancels", BLOCK, "cancel", {" || (waker == NULL && future->state == FUTURE_NEW)": ""}),
    ("cancelled-and-sent-again", RECOVERY, "recovery", {
        "if (request->cancelled || (": "if (("}),
    ("sent-for-ever", RECOVERY, "recovery", {"else if (request->retried)": "else if (false)"}),
    ("sent-again-in-any-order", BLOCK, "recovery", {
        "(*link)->seated < request->seated)": "false)"}),
    ("reset-without-a-look", RECOVERY, "deadlines", {
        "                device->operations->look(device);\n": ""}),
    ("deadline-of-one-only", RECOVERY, "deadlines", {
        "                watch(device, oldest + block_timeout);": "                ;"}),
    ("deadlock-after-a-deadline-not-told", RECOVERY, "deadlines", {
        "executor_look_for_deadlock(block_executor); ": "; "}),
    ("reset-for-ever", RECOVERY, "recovery", {
        "return device->vain_resets++ < VAIN_RESETS_MAX;": "return true;"}),
    ("taken-back-without-a-reset", RECOVERY, "recovery", {
        "stopped = operations->stop(device, !hopeful) == 0;": "stopped = true;"}),
    ("withdrawn-and-let-go", BLOCK, "request", {
        "return future_done(&request->future) ? POLL_READY : POLL_PENDING;\n        leave": "return POLL_READY;\n        leave"}),
    ("flush-though-there-is-no-cache", BLOCK, "disk", {
        "if (request->operation == BLOCK_FLUSH && !request->device->has_flush)": "if (false)"}),
    ("range-check-wraps", "include/block_driver.h", "refusals", {
        "if (sector > device->capacity || sectors > device->capacity - sector)": "if (sector + sectors > device->capacity)"}),
    ("range-of-half-a-block", "include/block_driver.h", "refusals", {
        "if (((sector | sectors) * SECTOR_SIZE & (device->block_size - UINT64_C(1))) != 0)": "if (false)"}),
    ("read-only-disk-written", "include/block_driver.h", "refusals", {"writes && device->read_only ? -EROFS : 0": "0"}),
    ("nothing-asked-for", CHECK, "refusals", {"if (error == 0 && request->sectors == 0)": "if (false)"}),
    ("lifetime-though-not-offered", CHECK, "disk", {
        "if (request->operation == BLOCK_GET_LIFETIME && !device->has_lifetime)": "if (false)"}),
    ("discard-though-not-offered", CHECK, "disk", {"device->max_discard_sectors > 0 ? 0 : -ENOTSUP": "0"}),
    ("no-deadline-at-all", RECOVERY, "deadlines", {"        if (block_timeout != 0)\n": "        if (false)\n"}),
    ("deadline-from-the-first-look", RECOVERY, "deadlines", {"        if (device->batch != 0)\n": "        if (false)\n"}),
]
