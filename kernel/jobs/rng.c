/* SPDX-License-Identifier: MIT */
/* rng.c - job=rng: await entropy, as often as it takes, and print it. */
#include <errno.h>

#include "coro.h"
#include "entropy.h"
#include "irq.h"
#include "jobs/jobs.h"
#include "printk.h"
#include "timer.h"

enum { BYTES = 32 };

struct rng {
        struct future future;
        struct entropy_future read;
        uint8_t bytes[BYTES];
        uint32_t count; /* of bytes that have come */
};

static enum poll rng_poll(struct future *future, struct waker *waker)
{
        struct rng *self = container_of(future, struct rng, future);

        CORO_BEGIN(self, waker);
        while (self->count < BYTES) {
                AWAIT(self->read, entropy_read(self->bytes + self->count, BYTES - self->count));
                if (self->read.result < 0)
                        CORO_RETURN();
                log_debug("%ld of %u bytes have come", self->read.result, self->read.bytes);
                self->count += (uint32_t)self->read.result;
        }
        CORO_END();
}

/* A source may take its time, and the device has the buffer meanwhile. But whoever watches is told what is waited for. */
struct patience {
        struct future future;
        struct timer_future timer;
};

static enum poll patience_poll(struct future *future, struct waker *waker)
{
        struct patience *self = container_of(future, struct patience, future);

        CORO_BEGIN(self, waker);
        AWAIT(self->timer, sleep_ms(arguments.timeout_ms));
        log_warn("the source of entropy has not answered for %lu ms", arguments.timeout_ms);
        CORO_END();
}

static void print(const struct rng *rng)
{
        char text[2 * BYTES + 1];

        for (unsigned i = 0; i < BYTES; i++)
                format_text(text + 2 * i, sizeof text - 2 * i, "%02x", rng->bytes[i]);
        printk("rng bytes=%u data=%s\n", BYTES, text);
}

static enum exit_code run(struct executor *executor, struct block_device *disk)
{
        static struct rng rng = { .future.poll = rng_poll };
        static struct patience patience = { .future.poll = patience_poll };
        static struct task task, daemon;

        (void)disk;
        if (arguments.timeout_ms != 0)
                executor_spawn_daemon(executor, &daemon, &patience.future, "patience");
        executor_spawn(executor, &task, &rng.future, "rng");
        executor_run_until_idle(executor);
        if (rng.count == BYTES) {
                print(&rng);
                return EXIT_PASS;
        }
        if (rng.read.result != -ENODEV)
                log_error("the read of entropy failed: %s", error_words((int)rng.read.result));
        else if (irq_available())
                log_error("job rng needs a source of entropy and there is none that can be used: give QEMU "
                          "-device virtio-rng-device");
        else
                log_error("job rng needs interrupts: the device tree has no interrupt controller that we drive (a PLIC)");
        return rng.read.result == -ENODEV ? EXIT_DEVICE : EXIT_REQUEST;
}

const struct job rng_job = { .name = "rng", .run = run };
