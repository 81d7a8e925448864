# SPDX-License-Identifier: MIT
"""Mutants of the entropy device; see suite."""

RNG = "drivers/virtio_rng.c"

MUTANTS = [
    ("rng-line-never-moves-on", RNG, "entropy", {"        semaphore_release(&turn);\n": ""}),
    ("rng-seat-is-lost", RNG, "entropy", {"        virtq_release(&queue, done->seat);\n": ""}),
    ("rng-nothing-is-taken-for-something", RNG, "entropy", {"written > 0 ?": "true ?"}),
    ("rng-keeps-the-buffer", RNG, "entropy_lies", {"virtio_reset(rng) == 0": "true"}),
    ("rng-publishes-in-a-broken-queue", RNG, "entropy_lies", {"!shared_load(&queue.broken) && virtq_publish": "virtq_publish"}),
    ("rng-never-tells-that-it-is-gone", RNG, "entropy_lies", {"!rng ? -ENODEV": "false ? -ENODEV"}),
    ("rng-wakes-nobody-ever", RNG, "entropy", {"return reader != NULL;": "return false;"}),
    ("rng-asks-for-no-batch", RNG, "entropy_races", {
        "        executor_request_batch(served);\n        return any;": "        return any;"}),
]
