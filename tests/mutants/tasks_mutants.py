# SPDX-License-Identifier: MIT
"""Mutants of the executor, of time, and of what tasks wait for; see suite."""

EXECUTOR = "kernel/executor.c"
WAIT_QUEUE = "kernel/wait_queue.c"
COMBINATORS = "kernel/combinators.c"
TIMER = "kernel/timer.c"

MUTANTS = [
    ("recorded-while-it-is-read", "kernel/trace.c", "trace_ring", {"if (!shared_load(&trace_ring.on))": "if (false)"}),
    ("wake-not-recorded", EXECUTOR, "trace", {"        trace_record(TRACE_WAKE, waker, NULL, 0, 0);\n": ""}),
    ("flag-cleared-after-the-poll", EXECUTOR, "races", {
        "        shared_store(&task->queued, 0);\n        shared_store(&executor->current, task);": """
        shared_store(&executor->current, task);""",
        "        /* Woken in its last poll, it is": """
        shared_store(&task->queued, 0);
        /* Woken in its last poll, it is"""}),
    ("no-look-before-wfi", EXECUTOR, "sleep", {
        "if (executor->tasks && idle(executor)) {": "if (executor->tasks) {"}),
    ("look-before-masking", EXECUTOR, "sleep", {
        "                interrupts_disable();\n                if (executor->tasks && idle(executor)) {": """
                if (executor->tasks && idle(executor)) {
                        interrupts_disable();"""}),
    ("no-look-before-wfi-of-block-on", EXECUTOR, "sleep", {
        "if (!shared_load(&waker.woken) && !shared_load(&executor->batch_wanted)) {": "if (true) {"}),
    ("hooks-flag-cleared-after-the-hooks", EXECUTOR, "executor", {
        "        shared_store(&executor->batch_wanted, 0);\n": "",
        "                        run(hook);\n": """
                        run(hook);
        shared_store(&executor->batch_wanted, 0);
"""}),
    ("a-wake-links-twice", EXECUTOR, "executor", {
        "        if (shared_swap(&task->queued, 1) == 0)\n": "        shared_store(&task->queued, 1);\n"}),
    ("retired-while-linked", EXECUTOR, "executor_tasks", {
        "poll != POLL_PENDING && shared_swap(&task->queued, 1) == 0": "poll != POLL_PENDING"}),
    ("daemons-keep-it-running", EXECUTOR, "executor_tasks", {"spawn(&executor->daemons, ": "spawn(&executor->tasks, "}),
    ("deadlock-without-asking", EXECUTOR, "deadlock", {"hook->may_wake && hook->may_wake(hook)": "false"}),
    ("watchdog-bites-at-once", "kernel/watchdog.c", "watchdog", {"if (task == seen && !told) {": "if (!told) {"}),
    ("line-polled-unmasked", WAIT_QUEUE, "races", {
        "        bool enabled = interrupts_save();\n        enum poll poll = poll_masked": """
        bool enabled = interrupts_enabled();
        enum poll poll = poll_masked"""}),
    ("line-looks-before-it-stores-the-waker", WAIT_QUEUE, "races", {
        "        waker_register(&self->waker, waker);\n": """
        if (!self->waker)
                self->waker = waker;
        interrupts_restore(true);
        waker_register(&self->waker, waker);
""",
        "        if (!in_line)\n                join_line(queue, self);\n": """
        if (!in_line) {
                static struct waker nobody;
                static void (*ignore)(struct waker *) = (void (*)(struct waker *))interrupts_ignored;

                nobody.wake = ignore;
                self->waker = &nobody;
                join_line(queue, self);
        }
""",
        "enum wait_state {": "static void interrupts_ignored(void) {}\n\nenum wait_state {"}),
    ("newcomer-overtakes", WAIT_QUEUE, "wait_queue", {": !queue->first;": ": true;"}),
    ("anybody-in-line-takes", WAIT_QUEUE, "wait_queue", {"in_line ? queue->first == self :": "in_line ? true :"}),
    ("who-leaves-wakes-nobody", WAIT_QUEUE, "wait_queue", {"        wait_queue_serve(wait->queue);\n": ""}),
    ("last-of-the-line-is-forgotten", WAIT_QUEUE, "wait_queue", {
        "        else\n                queue->last = wait->link;\n": ""}),
    ("who-leaves-is-still-linked-to", WAIT_QUEUE, "wait_queue", {
        "        if (wait->next)\n                wait->next->link = wait->link;\n        else\n": "        if (!wait->next)\n"}),
    ("released-and-withdrawn-at-once", WAIT_QUEUE, "races", {
        "        if (self->future.state == FUTURE_DONE) ": "        if (false) "}),
    ("loser-polled-with-a-waker", COMBINATORS, "combinators", {
        "poll_all(future, futures, self->count, NULL)": "poll_all(future, futures, self->count, waker)"}),
    ("race-run-again", COMBINATORS, "combinators", {
        "                future->state = COMBINATOR_WITHDRAWING;\n": ""}),
    ("losers-not-awaited", COMBINATORS, "races", {
        "        if (poll_all(future, futures, self->count, NULL))\n                return future_ready(future);\n": """
        poll_all(future, futures, self->count, NULL);
        return future_ready(future);
"""}),
    ("join-stops-at-the-first", COMBINATORS, "combinators", {"                ready = false;\n": """
                return false;
"""}),
    ("timers-without-sequence", TIMER, "timer", {": a->sequence < b->sequence": ": false"}),
    ("taken-out-with-its-children", TIMER, "timer_heap", {
        "        if (rest)\n                root = meld(root, rest);\n": ""}),
    ("taken-out-without-repair", TIMER, "timer_heap", {
        "        if (timer->next)\n                timer->next->previous = timer->previous;\n": ""}),
    ("timer-programmed-for-ever", TIMER, "timer", {"        shared_store(&programmed, UINT64_MAX);\n": ""}),
    ("alarm-left-to-the-hook", TIMER, "watchdog", {"        program(alarm_deadline); ": "        "}),
    ("channel-wakes-too-late", "kernel/channel.c", "races", {"if (channel->count++ == 0)": "if (channel->count++ == 1)"}),
    ("channel-overtakes-senders", "kernel/channel.c", "channel", {"channel->senders.first || !has_room": "!has_room"}),
    ("event-wakes-one", "kernel/event.c", "event", {"wait_queue_release_all": "wait_queue_serve"}),
    ("group-done-too-early", "kernel/wait_group.c", "wait_group", {"if (before == 1)": "if (before <= 2)"}),
    ("poison-is-forgotten", "kernel/mutex.c", "mutex", {"return mutex->poison;": "return 0;"}),
    ("completion-given-up", "kernel/future.c", "entropy", {
        "        if (waker) /* withdrawn, it keeps the one it has */\n": """
        if (!waker)
                return future_ready(self);
"""}),
    ("completion-looked-at-before-the-waker-is-stored", "kernel/future.c", "completion", {
        "        if (waker) /* withdrawn": """
        bool done = shared_load(&self->state) == FUTURE_DONE;

        if (waker) /* withdrawn""",
        "        return shared_load(&self->state) == FUTURE_DONE ? POLL_READY : POLL_PENDING;\n": """
        return done ? POLL_READY : POLL_PENDING;
"""}),
    ("permit-taken-twice", "kernel/semaphore.c", "semaphore", {"->permits--;": "->permits -= 0;"}),
    ("past-deadline-waits", TIMER, "timer", {"if (self->deadline <= timer_now())": "if (false)"}),
    ("deadline-is-relative", TIMER, "timer", {
        "        if (way == SSTC)\n": "        deadline -= read_time();\n        if (way == SSTC)\n"}),
    ("due-one-tick-late", TIMER, "timer", {"root->deadline <= now": "root->deadline < now"}),
    ("place-overwritten-while-pending", "include/coro.h", "coro", {
        "                if (future_pending(&(place).future))                                               \\\n": "                if (false) \\\n"}),
    ("corrupt-state-goes-on", "include/coro.h", "coro", {
        "                coro_lost(coro_future);                                                            \\\n": ""}),
]
