/* SPDX-License-Identifier: MIT */
/* workload.c - tasks that ask the disks for anything, wait in every way there is, and check what they get. */
#include <errno.h>
#include <string.h>

#include "block.h"
#include "choice.h"
#include "combinators.h"
#include "coro.h"
#include "fate.h"
#include "history.h"
#include "ram.h"
#include "pattern.h"
#include "trace.h"
#include "world.h"

enum { WORKERS_MAX = TASKS_MAX - 1, READER = WORKERS_MAX, SECTORS_MAX = 12, SEGMENTS = 4, SPENT = 0xa5 };
enum how { PLAIN, TIMEOUT, CANCELLED, SYNCHRONOUS, HANDED_ON };

struct canceller {
        struct future future;
        struct timer_future sleep;
        struct yield_future yield;
        struct block_cancel_future cancel;
        struct block_future *request;
        unsigned delay; /* in milliseconds; 0: as long as it takes the others to be polled once */
};

struct worker {
        unsigned number;
        struct future future;
        struct task task;
        struct block_future *io;
        struct timeout_future timeout;
        struct join_future join;
        struct canceller canceller;
        struct timer_future sleep;
        struct yield_future yield;
        struct block_segment segments[SEGMENTS];
        uint8_t *buffer;

        /* The operation under way. */
        struct block_future made;
        enum how how;
        unsigned disk, delay;
        uint32_t version;
        uint64_t begun; /* 0: none is */
        bool invalid;
};

static struct worker *workers[WORKERS_MAX];
static unsigned worker_count;
static uint32_t versions = VERSION_NEXT;

bool workload_wants_more(void)
{
        return world.counters->operations < world.options->operations && !choice_exhausted() && !world.gone;
}

static enum poll canceller_poll(struct future *future, struct waker *waker)
{
        struct canceller *self = container_of(future, struct canceller, future);

        CORO_BEGIN(self, waker);
        if (self->delay > 0)
                AWAIT(self->sleep, sleep_ms(self->delay));
        else
                AWAIT(self->yield, yield_now());
        AWAIT(self->cancel, block_cancel(self->request));
        CORO_END();
}

/* What is asked for -------------------------------------------------------------------------------- */

/* Whole blocks of the disk, and mostly what is there. */
static void choose_range(struct worker *self, uint64_t *sector, uint32_t *sectors)
{
        uint32_t block = world.devices[self->disk].config.block_size / SECTOR_BYTES ?: 1;
        uint32_t blocks = 1 + choose(SECTORS_MAX / block);

        *sectors = blocks * block;
        *sector = (uint64_t)choose((DISK_SECTORS - *sectors) / block + 1) * block;
}

/* The buffer as a few segments. */
static struct block_future in_segments(struct worker *self, enum block_operation operation, uint64_t sector, uint32_t sectors)
{
        uint32_t block = world.devices[self->disk].config.block_size / SECTOR_BYTES ?: 1, at = 0;
        uint16_t count = 0;

        while (at < sectors) {
                uint32_t left = (sectors - at) / block, part = count + 1 == SEGMENTS ? left : 1 + choose(left);

                self->segments[count++] = (struct block_segment){ self->buffer + at * SECTOR_BYTES, part * block * SECTOR_BYTES };
                at += part * block;
        }
        return block_vectored(block_device(self->disk), operation, sector, self->segments, count);
}

static struct block_future make_transfer(struct worker *self, bool write, uint64_t sector, uint32_t sectors)
{
        enum block_operation operation = write ? BLOCK_WRITE : BLOCK_READ;

        for (uint32_t i = 0; write && i < sectors; i++)
                pattern_fill(self->buffer + i * SECTOR_BYTES, sector + i, self->version);
        if (chance(4))
                return in_segments(self, operation, sector, sectors);
        return block_request(block_device(self->disk), operation, sector, sectors, self->buffer);
}

static struct block_future make_request(struct worker *self)
{
        const struct device_config *config = &world.devices[self->disk].config;
        struct block_device *disk = block_device(self->disk);
        unsigned kind = choose(64);
        uint32_t sectors;
        uint64_t sector;

        choose_range(self, &sector, &sectors);
        self->version = versions++;
        if (kind < 28)
                return make_transfer(self, false, sector, sectors);
        if (kind >= 54 && kind < 59 && !self->invalid)
                return block_flush(disk);
        if (kind == 59 && config->max_discard) {
                self->version = VERSION_FORGOTTEN;
                return block_discard(disk, sector, sectors);
        }
        if (kind == 60 && config->max_write_zeroes) {
                self->version = VERSION_ZEROES;
                return block_write_zeroes(disk, sector, sectors, choose(2));
        }
        if (kind == 61)
                return block_get_id(disk, (char *)self->buffer);
        if (kind == 62 && config->lifetime)
                return block_get_lifetime(disk, (struct block_lifetime *)(void *)self->buffer);
        if (kind == 63 && !world.devices[self->disk].has_lied) {
                self->invalid = true;
                return make_transfer(self, choose(2), DISK_SECTORS + 4 * choose(4), sectors);
        }
        return make_transfer(self, true, sector, sectors);
}

static bool changes(const struct block_future *request)
{
        return request->operation == BLOCK_WRITE || request->operation == BLOCK_DISCARD || request->operation == BLOCK_WRITE_ZEROES;
}

static bool has_buffer(const struct block_future *request)
{
        return request->operation == BLOCK_READ || request->operation == BLOCK_WRITE || request->operation == BLOCK_GET_ID ||
               request->operation == BLOCK_GET_LIFETIME;
}

/* Of a vectored request, which counts its sectors when it is polled first. */
static uint32_t sectors_of(const struct worker *self)
{
        uint32_t bytes = 0;

        for (unsigned i = 0; i < self->made.segment_count; i++)
                bytes += self->segments[i].bytes;
        return self->made.segment_count ? bytes / SECTOR_BYTES : self->made.sectors;
}

static void switch_cache(struct worker *self)
{
        bool reliable = !world.unreliable && !world_has(SIM_RESIZE);
        int error = block_set_write_cache(block_device(self->disk), choose(2));

        if (error != 0 && (reliable || !world_is_liar(&world.devices[self->disk])))
                host_fail("disk %u does not switch its cache: %d", self->disk, error);
}

static void begin(struct worker *self)
{
        world.counters->operations++;
        self->invalid = false;
        self->disk = choose(world.device_count);
        self->made = make_request(self);
        self->how = PLAIN;
        if (world_has(SIM_CANCEL))
                self->how = choose(6) < 3 ? PLAIN : choose(2) ? TIMEOUT : CANCELLED;
        if (self->how == PLAIN && chance(16))
                self->how = SYNCHRONOUS + choose(2);
        self->delay = choose(4);
        if (world.devices[self->disk].config.switchable && chance(64))
                switch_cache(self);
        self->begun = history_begin();
        fate_begin(self->number, self->disk, self->io, self->begun);
        if (changes(&self->made) && !self->invalid)
                history_write(self->disk, self->made.sector, sectors_of(self), self->version, self->begun);
        ram_unlock(self->io, sizeof *self->io);
        if (has_buffer(&self->made))
                ram_lend(self->buffer, SECTORS_MAX * SECTOR_BYTES, self->made.operation != BLOCK_WRITE);
        trace("begin", self->begun, self->made.sector << 32 | self->made.sectors << 8 | self->made.operation);
}

/* What came of it ---------------------------------------------------------------------------------- */

/* An error that its task has asked for, or that what befell it explains. */
static bool is_explained(const struct worker *self, int result)
{
        if (result == 0)
                return !self->invalid;
        return (result == -ERANGE && self->invalid) || (result == -ECANCELED && (self->how == TIMEOUT || self->how == CANCELLED)) ||
               fate_explains(self->number, self->made.sector + sectors_of(self), result);
}

static void check_read(const struct worker *self, uint64_t sector, uint32_t sectors)
{
        for (uint32_t i = 0; i < sectors; i++) {
                uint32_t version;

                if (!pattern_read(self->buffer + i * SECTOR_BYTES, sector + i, &version))
                        host_fail("disk %u: sector %u was read well, and is torn, or another's", self->disk, (unsigned)(sector + i));
                history_read(self->disk, sector + i, version, self->begun);
        }
}

static void forget_old_moments(void)
{
        uint64_t oldest = UINT64_MAX;

        for (unsigned i = 0; i < worker_count; i++)
                if (workers[i]->begun != 0 && workers[i]->begun < oldest)
                        oldest = workers[i]->begun;
        history_forget_before(oldest);
}

static void end(struct worker *self)
{
        int result = self->io->result;

        trace("end", self->begun, (uint64_t)-(int64_t)result);
        if (has_buffer(&self->made))
                ram_take_back(self->buffer);
        if (!is_explained(self, result))
                host_fail("disk %u: operation %u of sector %u ended with %d", self->disk, self->made.operation,
                          (unsigned)self->made.sector, result);
        world.counters->errors += result != 0;
        world.counters->timed_out += result == -ETIMEDOUT;
        world.counters->cancels += result == -ECANCELED && self->how == CANCELLED;
        world.counters->timeouts += self->how == TIMEOUT && self->timeout.result == -ETIMEDOUT;
        world.gone = world.gone || result == -ENODEV;
        if (self->made.operation == BLOCK_READ && result == 0)
                check_read(self, self->made.sector, sectors_of(self));
        else if (self->made.operation == BLOCK_FLUSH && result == 0)
                history_flushed(self->disk, self->begun);
        else if (changes(&self->made) && !self->invalid)
                history_written(self->disk, self->made.sector, sectors_of(self), self->begun, result == 0);
        world.counters->flushes += self->made.operation == BLOCK_FLUSH;
        self->begun = 0;
        fate_end(self->number);
        forget_old_moments();
        /* It is over: whoever touches it again is found out. */
        memset(self->io, SPENT, sizeof *self->io);
        ram_lock(self->io, sizeof *self->io);
        world_progress();
}

static void check_spent(struct worker *self)
{
        const uint8_t *bytes = (const uint8_t *)self->io;

        ram_unlock(self->io, sizeof *self->io);
        for (size_t i = 0; i < sizeof *self->io; i++)
                if (bytes[i] != SPENT)
                        host_fail("a request was touched after it had ended");
}

static struct block_future *start(struct worker *self)
{
        check_spent(self);
        *self->io = self->made;
        return self->io;
}

static struct join_future start_cancelled(struct worker *self)
{
        self->canceller = (struct canceller){ .future.poll = canceller_poll, .request = start(self), .delay = self->delay };
        return join2(&self->io->future, &self->canceller.future);
}

static void wake_nobody(struct waker *waker) { (void)waker; }

static struct waker nobody = { .wake = wake_nobody };

static enum poll worker_poll(struct future *future, struct waker *waker)
{
        struct worker *self = container_of(future, struct worker, future);

        CORO_BEGIN(self, waker);
        while (workload_wants_more()) {
                begin(self);
                if (self->how == PLAIN) {
                        check_spent(self);
                        AWAIT(*self->io, self->made);
                } else if (self->how == TIMEOUT) {
                        AWAIT(self->timeout, with_timeout(&start(self)->future, self->delay));
                } else if (self->how == CANCELLED) {
                        AWAIT(self->join, start_cancelled(self));
                } else if (self->how == SYNCHRONOUS) {
                        block_wait(start(self));
                } else {
                        future_poll(&start(self)->future, &nobody);
                        AWAIT(self->yield, yield_now());
                        AWAIT(self->join, join2(&self->io->future, &self->yield.future));
                }
                end(self);
                if (chance(8))
                        AWAIT(self->sleep, sleep_ms(choose(4)));
                else if (chance(8))
                        AWAIT(self->yield, yield_now());
        }
        CORO_END();
}

void workload_spawn(struct executor *executor)
{
        worker_count = 1 + choose(WORKERS_MAX);
        for (unsigned i = 0; i < worker_count; i++) {
                struct worker *worker = workers[i] = ram_for_task(sizeof *worker);

                worker->number = i;
                worker->future.poll = worker_poll;
                worker->buffer = ram_for_task(SECTORS_MAX * SECTOR_BYTES);
                worker->io = ram_for_task(sizeof *worker->io);
                memset(worker->io, SPENT, sizeof *worker->io);
                executor_spawn(executor, &worker->task, &worker->future, "worker");
        }
}

void workload_check_ended(void)
{
        for (unsigned i = 0; i < worker_count; i++)
                if (!task_finished(&workers[i]->task) || workers[i]->begun != 0)
                        host_fail("the executor is idle, and a task has not ended");
}

/* Before anything else happens on a disk: what is there now, read through the kernel. */
void workload_read_all(unsigned disk)
{
        struct worker reader = { .number = READER, .disk = disk, .buffer = ram_for_task(SECTORS_MAX * SECTOR_BYTES) };

        for (uint64_t sector = 0; sector < DISK_SECTORS; sector += SECTORS_MAX) {
                struct block_future io = block_read(block_device(disk), sector, reader.buffer, SECTORS_MAX);
                int result;

                reader.begun = history_begin();
                reader.made = io;
                fate_begin(READER, disk, &io, reader.begun);
                ram_lend(reader.buffer, SECTORS_MAX * SECTOR_BYTES, true);
                result = block_wait(&io);
                ram_take_back(reader.buffer);
                if (result == 0)
                        check_read(&reader, sector, SECTORS_MAX);
                else if (!is_explained(&reader, result))
                        host_fail("disk %u: sector %u cannot be read any more: %d", disk, (unsigned)sector, result);
                fate_end(READER);
        }
}
