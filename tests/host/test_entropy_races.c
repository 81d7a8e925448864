/* SPDX-License-Identifier: MIT */
/*
 * sources: drivers/virtio_rng.c drivers/virtio.c drivers/virtqueue.c drivers/virtqueue_split.c
 * drivers/virtqueue_packed.c kernel/executor.c kernel/future.c kernel/printk.c kernel/semaphore.c
 * kernel/wait_queue.c tests/host/fake_rng.c
 */
/* test_entropy_races.c - tasks that read entropy, with the device acting at every point of theirs, well or badly. */
#include "testing.h"

#include <errno.h>

#include "coro.h"
#include "driver.h"
#include "entropy.h"
#include "fake_rng.h"

enum { TASKS = 3, BYTES = 12, CHUNK = 5 };

static struct executor executor;
static struct fake_rng rng;
static bool breaks; /* the device, at the planned point */

static struct drinker {
        struct future future;
        struct task task;
        struct entropy_future read;
        uint8_t bytes[BYTES];
        uint32_t count;
        unsigned ended;
} drinkers[TASKS];

static enum poll drinker_poll(struct future *future, struct waker *waker)
{
        struct drinker *self = container_of(future, struct drinker, future);

        CORO_BEGIN(self, waker);
        while (self->count < BYTES) {
                AWAIT(self->read, entropy_read(self->bytes + self->count, BYTES - self->count));
                if (self->read.result < 0)
                        break;
                self->count += (uint32_t)self->read.result;
        }
        self->ended++;
        CORO_END();
}

static bool answer(void)
{
        if (!rng.buffer && !fake_rng_take(&rng))
                return false;
        fake_rng_answer(&rng, 0x5a, rng.length < CHUNK ? rng.length : CHUNK);
        host_raise();
        return true;
}

static void event(void)
{
        if (!breaks) {
                answer();
                host_raise(); /* also when there is nothing */
        } else if (rng.queue) {
                rng.status |= VIRTIO_STATUS_NEEDS_RESET;
                host_raise();
        }
}

static void interrupt(void)
{
        host_lower();
        fake_rng_interrupt(&rng);
}

static void check_sleep(void)
{
        if (rng.queue && rng.queue->added != (uint16_t)rng.queue->published)
                host_fail("asleep with a request that was not published");
}

/* Returns how many points it had. */
static uint64_t run(uint64_t first, uint64_t second)
{
        unsigned gone = 0;

        host_reset();
        executor_init(&executor);
        entropy_init(&executor);
        fake_rng_make(&rng, "rng-a");
        assert_int_equal(virtio_rng_driver.probe(&rng.device), 0);
        host.world = answer;
        host.interrupt = interrupt;
        host.asleep = check_sleep;
        memset(drinkers, 0, sizeof drinkers);
        for (unsigned i = 0; i < TASKS; i++) {
                drinkers[i].future.poll = drinker_poll;
                executor_spawn(&executor, &drinkers[i].task, &drinkers[i].future, "drinker");
        }
        host.points = 0;
        host_plan(event, first, second);
        assert_int_equal(executor_run_until_idle(&executor), 0);
        for (unsigned i = 0; i < TASKS; i++) {
                assert_int_equal(drinkers[i].ended, 1);
                for (unsigned byte = 0; byte < drinkers[i].count; byte++)
                        assert_int_equal(drinkers[i].bytes[byte], 0x5a);
                if (drinkers[i].count == BYTES)
                        continue;
                assert_int_equal(drinkers[i].read.result, -ENODEV);
                gone++;
        }
        assert_true(breaks || gone == 0);
        assert_int_equal(rng.resets, gone > 0 ? 2 : rng.resets);
        return host.points;
}

static void everywhere(unsigned distance)
{
        uint64_t runs = 0;

        for (uint64_t first = 1; run(first, distance ? first + distance : 0) >= first; first++)
                runs++;
        printf("# %lu runs\n", (unsigned long)runs);
}

static void test_an_answer_at_every_point(void **state)
{
        (void)state;
        breaks = false;
        everywhere(0);
        for (unsigned distance = 1; distance < 40; distance += 3)
                everywhere(distance);
}

static void test_a_broken_device_at_every_point(void **state)
{
        (void)state;
        breaks = true;
        everywhere(0);
}

int main(void)
{
        const struct CMUnitTest tests[] = { TEST(test_an_answer_at_every_point), TEST(test_a_broken_device_at_every_point) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
