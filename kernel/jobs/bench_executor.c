/* SPDX-License-Identifier: MIT */
/*
 * bench_executor.c - job=bench-executor: what the executor's parts cost, in guest instructions.
 *
 * The counts are exact, and the same in every run, under QEMU's -icount shift=0; elsewhere QEMU counts
 * ticks of the host. Each figure is all that was executed from the first round to the last, divided by
 * the rounds: loops, random numbers and the measuring itself are in it.
 */
#include <stddef.h>

#include "channel.h"
#include "coro.h"
#include "jobs/jobs.h"
#include "jobs/traffic.h"
#include "memory.h"
#include "mutex.h"
#include "printk.h"
#include "timer.h"

enum { CROWD = 100000, ROUNDS = 1000, SLEEPERS = 10, WAITERS = 64, TICKS_APART = 200 };

struct signal {
        struct future future;
        struct waker *waker;
};

/* One of a crowd that all do the same thing so many times. */
struct member {
        struct future future;
        struct task task;
        struct timer_future timer;
        struct signal signal;
        uint64_t random;
        uint32_t rounds, apart;
};

static struct member *crowd;

static void print_cost(const char *what, uint64_t instructions, uint64_t rounds)
{
        if ((int64_t)instructions < 0) /* they are not counted, and more was taken off than there was */
                instructions = 0;
        printk("cost what=%s instr=%lu\n", what, (instructions + rounds / 2) / rounds);
}

/* How many instructions `count` members take for `rounds` rounds each. */
static uint64_t measure(struct executor *executor, enum poll (*poll)(struct future *, struct waker *), uint32_t count,
                        uint32_t rounds)
{
        for (uint32_t i = 0; i < count; i++) {
                crowd[i] = (struct member){ .future.poll = poll, .rounds = rounds, .random = i, .apart = count * TICKS_APART };
                executor_spawn(executor, &crowd[i].task, &crowd[i].future, "member");
        }

        uint64_t start = instructions_since_entry();

        executor_run_until_idle(executor);
        return instructions_since_entry() - start;
}

/* Yield ------------------------------------------------------------------------------------------ */

static enum poll yielder_poll(struct future *future, struct waker *waker)
{
        struct member *self = container_of(future, struct member, future);

        CORO_BEGIN(self, waker);
        while (self->rounds-- > 0)
                CORO_YIELD();
        CORO_END();
}

/* Sleep ------------------------------------------------------------------------------------------ */

/*
 * Under icount the time that a hart sleeps counts as instructions. So it must not: a hook, the last of
 * them, goes round in a loop until an interrupt asks for a batch, and what it costs itself is taken off.
 */
struct awake {
        struct batch_hook hook;
        struct executor *executor;
        uint64_t calls, rounds;
};

__attribute__((noinline))
static uint64_t go_round(const uint32_t *flag, uint64_t most)
{
        uint64_t rounds = 0;

        while (rounds < most && !shared_load(flag))
                rounds++;
        return rounds;
}

static void stay_awake(struct batch_hook *hook)
{
        struct awake *self = container_of(hook, struct awake, hook);

        self->calls++;
        if (self->executor->tasks && self->executor->tail == &self->executor->marker)
                self->rounds += go_round(&self->executor->batch_wanted, UINT64_MAX);
}

/* All sleep: whoever wakes goes to sleep again for some other time, so that as many timers are always pending. */

/* Any number up to `apart`, at the cost of a multiplication or two (Knuth's MMIX generator). */
static uint64_t some_ticks(struct member *self)
{
        self->random = self->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (self->random >> 32) * self->apart >> 32;
}

static enum poll sleeper_poll(struct future *future, struct waker *waker)
{
        struct member *self = container_of(future, struct member, future);

        CORO_BEGIN(self, waker);
        while (self->rounds-- > 0)
                AWAIT(self->timer, sleep_until(timer_now() + some_ticks(self)));
        executor_request_batch(self->task.executor); /* for stay_awake() */
        CORO_END();
}

/* A task that sleeps until just now, again and again, while the others wait for something far away. */
static enum poll napper_poll(struct future *future, struct waker *waker)
{
        struct member *self = container_of(future, struct member, future);

        CORO_BEGIN(self, waker);
        while (self->rounds-- > 0)
                AWAIT(self->timer, sleep_until(timer_now() + TICKS_APART));
        executor_request_batch(self->task.executor); /* for stay_awake() */
        CORO_END();
}

/* Instructions of so many rounds, and calls, of stay_awake(). */
static uint64_t cost_of_awake(uint64_t rounds, uint64_t calls)
{
        enum { TIMES = 10000 };
        static const uint32_t never;
        static struct executor standing;
        struct awake awake = { .hook.run = stay_awake, .executor = &standing };
        uint64_t start = instructions_since_entry(), round, call;

        standing = (struct executor){ .tasks = &standing.marker, .tail = &standing.marker, .batch_wanted = 1 };
        go_round(&never, TIMES);
        round = (instructions_since_entry() - start) / TIMES;
        start = instructions_since_entry();
        for (unsigned i = 0; i < TIMES; i++)
                awake.hook.run(&awake.hook);
        call = (instructions_since_entry() - start) / TIMES;
        return rounds * round + calls * call;
}

static void measure_sleep(struct executor *executor, const char *what, enum poll (*poll)(struct future *, struct waker *),
                          uint32_t count, uint32_t rounds)
{
        static struct awake awake = { .hook.run = stay_awake };
        uint64_t instructions;

        if (!awake.executor)
                executor_add_hook(executor, &awake.hook);
        awake.executor = executor;
        awake.calls = awake.rounds = 0;
        instructions = measure(executor, poll, count, rounds);
        print_cost(what, instructions - cost_of_awake(awake.rounds, awake.calls), (uint64_t)count * rounds);
}

/* The plain case: as many timers are pending, in no order, and far away. */
static void measure_nap(struct executor *executor, const char *what, uint32_t pending)
{
        enum { FAR_AWAY = 1000000000 };
        struct waker nobody = { .wake = NULL };

        for (uint32_t i = 1; i <= pending; i++) {
                crowd[i] = (struct member){ .random = i, .apart = UINT32_MAX };
                crowd[i].timer = sleep_until(timer_now() + FAR_AWAY + some_ticks(&crowd[i]));
                future_poll(&crowd[i].timer.future, &nobody);
        }
        measure_sleep(executor, what, napper_poll, 1, ROUNDS);
        for (uint32_t i = 1; i <= pending; i++)
                future_poll(&crowd[i].timer.future, NULL);
}

/* Resume: tasks that are woken, polled, go on, and are suspended again. ------------------------------ */

static enum poll waiter_poll(struct future *future, struct waker *waker)
{
        struct member *self = container_of(future, struct member, future);

        CORO_BEGIN(self, waker);
        while (self->rounds-- > 0)
                CORO_SUSPEND();
        CORO_END();
}

/* Await: the same with a leaf, which is done when they are woken. ----------------------------------- */

static enum poll signal_poll(struct future *future, struct waker *waker)
{
        struct signal *self = container_of(future, struct signal, future);

        future->state = 1;
        waker_register(&self->waker, waker);
        return POLL_PENDING;
}

static enum poll awaiter_poll(struct future *future, struct waker *waker)
{
        struct member *self = container_of(future, struct member, future);

        CORO_BEGIN(self, waker);
        while (self->rounds-- > 0)
                AWAIT(self->signal, ((struct signal){ .future.poll = signal_poll }));
        CORO_END();
}

struct driver_task {
        struct future future;
        struct task task;
        uint32_t rounds;
        uint64_t start, instructions;
};

static enum poll driver_poll(struct future *future, struct waker *waker)
{
        struct driver_task *self = container_of(future, struct driver_task, future);

        CORO_BEGIN(self, waker);
        self->start = instructions_since_entry();
        while (self->rounds-- > 0) {
                CORO_YIELD();
                for (unsigned i = 0; i < WAITERS; i++) {
                        future_ready(&crowd[i].signal.future);
                        crowd[i].task.waker.wake(&crowd[i].task.waker);
                }
        }
        self->instructions = instructions_since_entry() - self->start;
        CORO_END();
}

static uint64_t measure_woken(struct executor *executor, enum poll (*poll)(struct future *, struct waker *))
{
        static struct driver_task driver;

        driver = (struct driver_task){ .future.poll = driver_poll, .rounds = ROUNDS };
        executor_spawn(executor, &driver.task, &driver.future, "driver");
        measure(executor, poll, WAITERS, ROUNDS);
        return driver.instructions;
}

/* Mutex ------------------------------------------------------------------------------------------ */

struct locker {
        struct future future;
        struct task task;
        struct mutex mutex;
        struct wait_future lock;
        uint32_t rounds;
};

static enum poll locker_poll(struct future *future, struct waker *waker)
{
        struct locker *self = container_of(future, struct locker, future);

        CORO_BEGIN(self, waker);
        while (self->rounds-- > 0) {
                if (!mutex_try_lock(&self->mutex, &self->lock))
                        AWAIT(self->lock, mutex_lock(&self->mutex));
                __atomic_signal_fence(__ATOMIC_SEQ_CST); /* or the compiler would see that nothing is guarded */
                mutex_unlock(&self->mutex, &self->lock);
        }
        CORO_END();
}

static void measure_mutex(struct executor *executor)
{
        static struct locker locker = { .future.poll = locker_poll, .rounds = ROUNDS };
        uint64_t start = instructions_since_entry();

        mutex_init(&locker.mutex);
        executor_spawn(executor, &locker.task, &locker.future, "locker");
        executor_run_until_idle(executor);
        print_cost("mutex", instructions_since_entry() - start, ROUNDS);
}

/* Channel: an 8-byte item from one task to another, with room for 32, and for one. ------------------- */

struct end {
        struct future future;
        struct task task;
        struct channel *channel;
        struct wait_future transfer;
        uint64_t item, rounds;
};

static enum poll sender_poll(struct future *future, struct waker *waker)
{
        struct end *self = container_of(future, struct end, future);

        CORO_BEGIN(self, waker);
        for (self->item = 0; self->item < self->rounds; self->item++)
                if (channel_try_send(self->channel, &self->item) != 0)
                        AWAIT(self->transfer, channel_send(self->channel, &self->item));
        CORO_END();
}

static enum poll receiver_poll(struct future *future, struct waker *waker)
{
        struct end *self = container_of(future, struct end, future);

        CORO_BEGIN(self, waker);
        while (self->rounds-- > 0)
                if (channel_try_receive(self->channel, &self->item) != 0)
                        AWAIT(self->transfer, channel_receive(self->channel, &self->item));
        CORO_END();
}

static void measure_channel(struct executor *executor, const char *what, uint32_t capacity)
{
        static struct channel channel;
        static uint64_t storage[32];
        static struct end sender, receiver;
        uint64_t start = instructions_since_entry();

        sender = (struct end){ .future.poll = sender_poll, .channel = &channel, .rounds = ROUNDS };
        receiver = (struct end){ .future.poll = receiver_poll, .channel = &channel, .rounds = ROUNDS };
        channel_init(&channel, storage, sizeof storage[0], capacity);
        executor_spawn(executor, &sender.task, &sender.future, "sender");
        executor_spawn(executor, &receiver.task, &receiver.future, "receiver");
        executor_run_until_idle(executor);
        print_cost(what, instructions_since_entry() - start, ROUNDS);
}

static enum exit_code run(struct executor *executor, struct block_device *disk)
{
        (void)disk;
        crowd = memory_allocate(CROWD * sizeof *crowd, PAGE_SIZE);
        if (!crowd) {
                log_error("too little memory for %u tasks of %lu bytes", CROWD, sizeof *crowd);
                return EXIT_INPUT;
        }
        tell_what_is_counted();
        print_cost("resume", measure_woken(executor, waiter_poll), UINT64_C(1) * ROUNDS * WAITERS);
        print_cost("await", measure_woken(executor, awaiter_poll), UINT64_C(1) * ROUNDS * WAITERS);
        print_cost("yield-2", measure(executor, yielder_poll, 2, ROUNDS), UINT64_C(2) * ROUNDS);
        print_cost("yield-100k", measure(executor, yielder_poll, CROWD, 10), UINT64_C(10) * CROWD);
        measure_nap(executor, "sleep-10", SLEEPERS);
        measure_nap(executor, "sleep-100k", CROWD - 1);
        measure_sleep(executor, "sleep-all-10", sleeper_poll, SLEEPERS, ROUNDS);
        measure_sleep(executor, "sleep-all-100k", sleeper_poll, CROWD, 3);
        measure_mutex(executor);
        measure_channel(executor, "channel", 32);
        measure_channel(executor, "channel-1", 1);
        printk("cost what=task-bytes bytes=%lu\n", sizeof(struct task) + sizeof(struct future));
        printk("cost what=request-bytes bytes=%lu\n", sizeof(struct worker));
        return EXIT_PASS;
}

const struct job bench_executor_job = { .name = "bench-executor", .run = run };
