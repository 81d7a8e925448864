/* SPDX-License-Identifier: MIT */
/*
 * neighbour.c - job=neighbour, which test_hostile.py builds into a kernel of its own: job=rw, while another
 * task writes to the last disk and reads back, about once a millisecond, for as long as that takes and 20 times more.
 */
#include <string.h>

#include "coro.h"
#include "jobs/jobs.h"
#include "printk.h"
#include "timer.h"

enum { BYTES = 4096, SECTORS = BYTES / SECTOR_SIZE, LAST_ROUNDS = 20 };

struct neighbour {
        struct future future;
        struct task task;
        struct block_device *disk;
        struct block_future io;
        struct timer_future pause;
        uint64_t sector;
        unsigned rounds, wanted, wrong;
        uint8_t out[BYTES], in[BYTES];
};

static enum poll neighbour_poll(struct future *future, struct waker *waker)
{
        struct neighbour *self = container_of(future, struct neighbour, future);

        CORO_BEGIN(self, waker);
        while (self->rounds < self->wanted) {
                memset(self->out, (int)++self->rounds, BYTES);
                memset(self->in, 0, BYTES);
                AWAIT(self->io, block_write(self->disk, self->sector, self->out, SECTORS));
                self->wrong += self->io.result != 0;
                AWAIT(self->io, block_read(self->disk, self->sector, self->in, SECTORS));
                self->wrong += self->io.result != 0 || memcmp(self->in, self->out, BYTES) != 0;
                AWAIT(self->pause, sleep_ms(1));
        }
        CORO_END();
}

static void begin(struct neighbour *self, unsigned wanted, unsigned place)
{
        *self = (struct neighbour){ .future.poll = neighbour_poll, .disk = block_device(block_device_count() - 1), .wanted = wanted };
        self->sector = self->disk->capacity - place * SECTORS;
}

static enum exit_code run(struct executor *executor, struct block_device *disk)
{
        static struct neighbour meanwhile, after;
        enum exit_code code;

        begin(&meanwhile, ~0u, 1);
        executor_spawn_daemon(executor, &meanwhile.task, &meanwhile.future, "neighbour");
        memcpy(arguments.job, "rw", sizeof "rw"); /* whose the result is */
        code = rw_job.run(executor, disk);
        begin(&after, LAST_ROUNDS, 2);
        executor_spawn(executor, &after.task, &after.future, "after");
        executor_run_until_idle(executor);
        printk("neighbour: disk %u: %u rounds, %u after, %u wrong\n", after.disk->number, meanwhile.rounds, after.rounds,
               meanwhile.wrong + after.wrong);
        return code;
}

const struct job neighbour_job = { .name = "neighbour", .needs_disk = true, .run = run };
