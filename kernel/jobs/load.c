/* SPDX-License-Identifier: MIT */
/* load.c - a task that reads one random block after the other. */
#include "jobs/load.h"

#include <errno.h>

#include "coro.h"
#include "jobs/record.h"
#include "memory.h"
#include "printk.h"
#include "timer.h"

struct load {
        struct future future;
        struct task task;
        struct load_group *group;
        struct block_device *disk;
        struct block_future io;
        void *buffer;
        uint64_t random, reads, wanted, failed, report_at;
        unsigned number;
};

static uint64_t random_block(struct load *self)
{
        uint64_t sectors = self->disk->block_size / SECTOR_SIZE, blocks = self->disk->capacity / sectors;

        return blocks == 0 ? 0 : splitmix64(&self->random) % blocks * sectors;
}

static void report(const struct load *self, const char *end)
{
        log_info("load %u: %lu reads, %lu failed%s", self->number, self->reads, self->failed, end);
}

static enum poll load_poll(struct future *future, struct waker *waker)
{
        struct load *self = container_of(future, struct load, future);

        CORO_BEGIN(self, waker);
        while (self->reads < self->wanted && !self->group->stopping) {
                AWAIT(self->io, block_read(self->disk, random_block(self), self->buffer, self->disk->block_size / SECTOR_SIZE));
                self->reads++;
                self->failed += self->io.result != 0;
                if (self->io.result != 0)
                        CORO_YIELD(); /* one that is refused waits for nobody */
                if (timer_now() >= self->report_at) {
                        self->report_at = timer_now() + timer_ticks(1000);
                        report(self, "");
                }
        }
        report(self, ": the end");
        wait_group_done(&self->group->running);
        CORO_END();
}

void load_group_init(struct load_group *group)
{
        *group = (struct load_group){ .count = 0 };
        wait_group_init(&group->running);
}

int load_spawn(struct load_group *group, struct executor *executor, struct block_device *disk, uint64_t reads)
{
        struct load *load = memory_allocate(sizeof *load, _Alignof(struct load));
        void *buffer = memory_allocate(disk->block_size, PAGE_SIZE);

        if (!load || !buffer || wait_group_add(&group->running, 1) != 0)
                return -ENOMEM;
        group->count++;
        *load = (struct load){ .future.poll = load_poll, .group = group, .disk = disk, .buffer = buffer, .wanted = reads,
                               .random = group->count, .number = group->count, .report_at = timer_now() + timer_ticks(1000) };
        executor_spawn(executor, &load->task, &load->future, "load");
        return 0;
}

void load_stop(struct load_group *group) { group->stopping = true; }
