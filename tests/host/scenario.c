/* SPDX-License-Identifier: MIT */
/* scenario.c - one run: devices, executor, plan, and what must be true at its end. */
#include "scenario.h"

#include <stdio.h>
#include <string.h>

#include "block.h"
#include "driver.h"
#include "executor.h"
#include "host.h"
#include "step.h"
#include "timer.h"
#include "worker.h"

enum { BUSY_STEP = 61 };

const char *const scenario_modes[] = {
        [RUN_STEP] = "a step", [RUN_SPURIOUS] = "a spurious interrupt", [RUN_LATE] = "a late interrupt",
        [RUN_STEPPED] = "a step between instructions",
};

struct model models[2];
struct outcome outcome;

static struct executor executor;
static struct run current; /* a copy: a test that fails leaves its frame */
static bool running;
static unsigned events, seats_at_first[2];

static void spurious_interrupt(void)
{
        for (unsigned i = 0; i < current.scenario->disks; i++)
                models[i].interrupting = models[i].queues[0].ring != NULL;
        host_raise();
}

static void time_passes(void)
{
        if (host.timer_unmasked && host.timer_deadline != UINT64_MAX && host.time < host.timer_deadline)
                host.time = host.timer_deadline;
}

static void step_all(bool hold)
{
        for (unsigned i = 0; i < current.scenario->disks; i++) {
                models[i].hold_interrupts |= hold;
                model_step(&models[i], true);
        }
}

static void release_all(void)
{
        for (unsigned i = 0; i < current.scenario->disks; i++)
                if (models[i].hold_interrupts)
                        model_release(&models[i]);
}

static void event(void)
{
        bool first = events++ == 0;

        if (current.mode == RUN_SPURIOUS) {
                spurious_interrupt();
        } else if (current.mode == RUN_LATE) {
                if (first)
                        step_all(true);
                else
                        release_all();
        } else {
                step_all(false);
        }
        time_passes();
}

/* Where the hart does not rest, a device that was told to goes on nevertheless. */
static void pass_time(void)
{
        if (host.points % BUSY_STEP != 0)
                return;
        for (unsigned i = 0; i < current.scenario->disks; i++)
                model_step(&models[i], false);
}

/* The hart sleeps. A device acts only where it was told to, or has something in hand. */
static bool world(void)
{
        bool acted = false;

        for (unsigned i = 0; i < current.scenario->disks; i++) {
                acted |= models[i].hold_interrupts;
                release_all();
                acted |= model_step(&models[i], false);
        }
        return acted;
}

static void interrupt(void)
{
        host_lower();
        for (unsigned i = 0; i < current.scenario->disks; i++)
                model_interrupt(&models[i]);
}

static void check_sleep(void)
{
        for (unsigned i = 0; i < current.scenario->disks; i++) {
                const struct virtq *queue = models[i].queues[0].ring;
                const struct block_device *disk = block_device(i);

                model_check_sleep(&models[i]);
                if (disk->waiting && (!queue || queue->free != VIRTQ_NO_SEAT || queue->released != VIRTQ_NO_SEAT))
                        host_fail("asleep while a request waits beside a free seat");
        }
}

static unsigned count_seats(const struct virtq *queue, uint32_t first)
{
        unsigned count = 0;

        for (; first != VIRTQ_NO_SEAT && count <= queue->seats; first = queue->seat[first].next_free)
                count++;
        return count;
}

static void check_end(void)
{
        for (unsigned i = 0; i < current.scenario->disks; i++) {
                const struct model_queue *queue = &models[i].queues[0];
                const struct virtq *ring = queue->ring;
                unsigned seats;

                scenario_expect(!block_device(i)->waiting, "a request is left in the FIFO");
                if (ring && !current.errors_allowed) {
                        scenario_expect(ring->broken == NULL, "the queue is broken");
                        scenario_expect((uint16_t)ring->published == queue->used, "requests are left in flight");
                        scenario_expect(ring->last_used == queue->used, "used entries were not seen");
                        seats = count_seats(ring, ring->free) + count_seats(ring, ring->released);
                        scenario_expect(seats == seats_at_first[i], "a seat is lost");
                }
        }
        scenario_expect(executor.tail == &executor.marker, "a task is left in the ready queue");
        scenario_expect(host.enabled, "interrupts are masked");
}

/* A chain is never longer than the ring (2.7.5.3.1), so that the smallest ring of indirect chains has four seats. */
struct model_options scenario_device(unsigned kind)
{
        unsigned seats = kind & 16 ? 2 : 1;

        return (struct model_options){
                .indirect = kind & 1, .event_idx = kind & 2, .newest_first = kind & 4, .one_at_a_time = kind & 8,
                .cache = kind & 1, .seats = seats, .queue_size = (uint16_t)(kind & 1 ? 4 : 4 * seats),
        };
}

static void bring_up(struct model *model, const struct model_options *options, const char *node)
{
        struct virtq *queue;

        model_make(model, options, node);
        if (virtio_blk_driver.probe(&model->device) != 0)
                host_fail("the model is not accepted: %s", host.console);
        /* Seats beyond those wanted are taken for ever. */
        queue = (struct virtq *)(uintptr_t)model->queues[0].ring;
        for (unsigned seats = queue->seats; options->seats != 0 && seats > options->seats; seats--)
                virtq_take_seat(queue);
        seats_at_first[model - models] = count_seats(queue, queue->free);
}

static void hear_again(struct model *model) { model->deaf = false; }

void scenario_run(const struct run *run)
{
        static const char *const nodes[] = { "disk-a", "disk-b" };

        host_reset();
        current = *run;
        if (run->scenario->small_pieces)
                current.options.size_max = SECTOR_SIZE, current.options.seg_max = 1;
        running = true;
        outcome = (struct outcome){ .points = 0 };
        events = 0;
        executor_init(&executor);
        host.time = run->timeout + 1; /* 0 would be no time at all */
        block_init(&executor, run->timeout);
        timer_init(&executor, 10000000, run->options.event_idx); /* for a timer of both kinds */
        for (unsigned i = 0; i < run->scenario->disks; i++) {
                bring_up(&models[i], &current.options, nodes[i]);
                if (i > 0)
                        models[i].options.lie = MODEL_HONEST; /* the other disk goes on */
        }
        models[0].losses = run->losses;
        models[0].deaf = run->deaf;
        models[0].on_reset = hear_again;
        host.world = world;
        host.interrupt = interrupt;
        host.timer_interrupt = timer_interrupt;
        host.asleep = check_sleep;
        if (run->scenario->busy)
                host.each_point = pass_time;
        host.points_max = 20000;
        workers_begin(&executor);
        run->scenario->start();
        host.points = 0;
        if (run->mode == RUN_STEPPED)
                step_plan(event, run->first, run->second);
        else
                host_plan(event, run->first, run->second);
        scenario_expect(executor_run_until_idle(&executor) == 0, "a deadlock is seen");
        step_end();
        outcome.points = host.points;
        /* What comes when nobody is there any more is harmless as well. */
        event();
        event();
        host_deliver();
        workers_check();
        check_end();
        running = false;
}

void scenario_note(int result)
{
        outcome.requests++;
        if (result == 0)
                return;
        outcome.failed++;
        if (outcome.first_error == 0)
                outcome.first_error = result;
        if (!current.errors_allowed)
                host_fail("a request fails with %d", result);
}

void scenario_expect(bool condition, const char *what)
{
        if (!condition)
                host_fail("%s", what);
}

int scenario_explain(void **state)
{
        (void)state;
        if (running) {
                const struct model_options *options = &current.options;

                printf("%s, %s at %lu and %lu (now %lu); indirect %d, event_idx %d, newest first %d, one at a time %d, "
                       "queue of %u, seats %u, lie %d at %u\n", current.scenario->name, scenario_modes[current.mode],
                       (unsigned long)current.first, (unsigned long)current.second, (unsigned long)host.points,
                       options->indirect, options->event_idx, options->newest_first, options->one_at_a_time,
                       options->queue_size, options->seats, (int)options->lie, options->lie_at);
        }
        running = false;
        return 0;
}
