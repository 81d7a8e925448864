/* SPDX-License-Identifier: MIT */
/* entropy_readers.c - reads of entropy, polled by hand. */
#include "entropy_readers.h"

#include "driver.h"
#include "hooks.h"
#include "util.h"

enum { POISON = 0xee };

struct executor executor;
struct fake_rng rng;
struct reader readers[READERS];

static void count_wake(struct waker *waker)
{
        struct reader *reader = container_of(waker, struct reader, waker);

        reader->wakes++;
        reader->status_at_wake = rng.status;
}

bool reader_poll(unsigned number)
{
        return future_poll(&readers[number].read.future, &readers[number].waker) == POLL_READY;
}

bool reader_withdraw(unsigned number) { return future_poll(&readers[number].read.future, NULL) == POLL_READY; }

bool reader_start(unsigned number)
{
        struct reader *reader = &readers[number];

        *reader = (struct reader){ .waker.wake = count_wake };
        memset(reader->buffer, POISON, sizeof reader->buffer);
        reader->read = entropy_read(reader->buffer, ROOM);
        return reader_poll(number);
}

void readers_start(void)
{
        for (unsigned i = 0; i < READERS; i++)
                assert_false(reader_start(i));
        run_hooks(&executor);
}

void reader_expect(unsigned number, int64_t result, uint8_t value)
{
        const struct reader *reader = &readers[number];

        assert_true(reader_poll(number));
        assert_int_equal(reader->read.result, result);
        for (int64_t i = 0; i <= ROOM; i++)
                assert_int_equal(reader->buffer[i], i < result ? value : POISON);
}

void rng_expect_words(const char *why)
{
        char words[128];

        snprintf(words, sizeof words, "error: rng-a: %s: not used\n", why);
        assert_string_equal(host.console, words);
}

bool rng_may_wake(void) { return executor.hooks->may_wake(executor.hooks); }

int readers_setup(void **state)
{
        host_setup(state);
        executor_init(&executor);
        entropy_init(&executor);
        fake_rng_make(&rng, "rng-a");
        assert_int_equal(virtio_rng_driver.probe(&rng.device), 0);
        assert_int_equal(rng.status, 15);
        rng.resets = 0;
        return 0;
}
