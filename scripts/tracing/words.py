# SPDX-License-Identifier: MIT
"""What the picture says, and its colours: for the page, the still, and docs/trace.md."""

# style: (what it is, its colour on light, on dark)
STYLES = {
    "run": ("a task runs", "#2f6fd6", "#6aa3f5"),
    "ready": ("ready: woken, waits for its turn", "#f0b429", "#e3b04b"),
    "wait": ("waits at an AWAIT", "#dde3ec", "#2c3648"),
    "fifo": ("waits for a seat", "#d8c8a8", "#6d6047"),
    "ring": ("in the ring, the device not told", "#1b8a7a", "#3fbfab"),
    "flight": ("the device has it", "#a5ddd3", "#1f5a53"),
    "over": ("ended, its task not yet resumed", "#f0b429", "#e3b04b"),
    "interrupt": ("interrupt", "#cb3a46", "#ff7a80"),
    "notify": ("tells the device", "#8fa3bf", "#566b8a"),
    "device": ("the device works", "#8a5cc2", "#b48ce6"),
    "sleep": ("the processor sleeps", "#c8cbe6", "#3b4067"),
    "mark": ("timer, time-out, reset", "#5b6578", "#9aa5b8"),
}

# The rest of the palette: paper, ink, faint ink, hairlines, the path.
COLOURS = {
    "paper": ("#ffffff", "#11151c"), "ink": ("#1c2430", "#e7ebf2"), "faint": ("#596375", "#9aa5b8"),
    "line": ("#e3e7ee", "#252d3a"), "path": ("#c2410c", "#ffa04d"), "band": ("#f6f7fa", "#171c25"),
}

# A step of a request's path: (title, the layer that does it, what happens). The page fills in the braces.
STEPS = {
    "await": ("The task asks", "task",
              "{task} comes to an AWAIT {place}, and polls its request for the first time. Until now the request was only a "
              "description in memory: a future does nothing before it is polled."),
    "queue": ("No seat is free", "block layer",
              "Each seat of the ring is taken. The request waits in a queue of the block layer, first come, first served; the end "
              "of a batch gives it a seat that has become free."),
    "add": ("A seat in the ring", "virtio-blk, virtqueue",
            "The driver takes seat {seat} of queue {queue}, which has a header, the address of the buffer and a status byte, and "
            "stores its number in the avail ring. That is a store to memory and no more: the device knows nothing of it. The poll "
            "returns “pending”, so the task is suspended, and whoever else is ready runs."),
    "notify": ("The device is told", "virtio-mmio",
               "All tasks that were ready have had their turn. Now one write to a register tells the device of everything that the "
               "batch has added ({batch}): such a write is dear, so it is made once. (In QEMU very dear: the processor stands still "
               "in it while QEMU takes the requests.)"),
    "found": ("The device finds it", "virtqueue",
              "Nobody notifies the device: it is still at work on the ring, and has asked not to be told (EVENT_IDX)."),
    "device": ("The device works", "device",
               "QEMU's own trace has it begin here. From now on the buffer is the device's. The processor does something else, or "
               "sleeps: nobody spins until the disk is ready."),
    "done": ("The device has finished", "device",
             "It writes the status byte, puts the seat's number into the used ring, and raises its interrupt."),
    "interrupt": ("The interrupt", "PLIC, trap, virtio-mmio",
                  "The processor leaves what it was doing, or its sleep. It asks the interrupt controller who has called, and the "
                  "driver acknowledges first and looks only then: so nothing that comes meanwhile is lost."),
    "used": ("Found by its seat", "virtio-blk",
             "The driver takes the entry out of the used ring. The seat says whose request it was, the status byte how it ended: "
             "{status}."),
    "wake": ("The task is woken", "block layer, executor",
             "The request is done, and its waker links {task} into the ready queue. That is all that an interrupt does for a task: "
             "it never runs one."),
    "resume": ("The task goes on", "executor, task",
               "The next batch polls {task}. The future is ready, and the coroutine goes on in the line behind its AWAIT."),
}

STATUS = {0: "well", 1: "an I/O error", 2: "not supported", 0xff: "no status at all"}


def status_words(status):
    return STATUS.get(status, f"error {status}")
