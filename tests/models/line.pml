/* SPDX-License-Identifier: MIT */
/*
 * line.pml - who waits for an item gets one: the line of kernel/wait_queue.c, before a channel.
 *
 * RECEIVERS tasks each await a receive that may be withdrawn at any time, as select2() with a timer does,
 * and then come again. A task and an interrupt send, each item once; the channel is large enough. What
 * happens between interrupts_save() and interrupts_restore() is one atomic step here; which task is polled
 * when is left to chance, which is more than the executor's queue allows.
 *
 * It holds that whenever there are items and a line, the first of the line has been woken; that the line
 * is served in the order in which it was joined; that items come out once, in order, and none is lost.
 *
 * kernel/wait_queue.c: wait_poll
 *      receiver        bool enabled = interrupts_save();
 *      receiver        enum poll poll = poll_masked(container_of(future, struct wait_future, future), waker);
 *      receiver        interrupts_restore(enabled);
 * kernel/wait_queue.c: poll_masked
 *      receiver        its_turn = in_line ? queue->first == self : !queue->first;
 *      receiver        if (waker == NULL)
 *      receiver        if (its_turn && queue->available(queue))
 *      receiver        join_line(queue, self);
 * kernel/wait_queue.c: end_wait
 *      leave           leave_line(wait->queue, wait);
 *      wake_first      wait_queue_serve(wait->queue);
 * kernel/wait_queue.c: wait_queue_wake_first
 *      wake_first      if (first && queue->available(queue))
 *      wake_first      first->waker->wake(first->waker);
 * kernel/channel.c: put
 *      send            if (channel->count++ == 0)
 *      wake_first      wait_queue_serve(&channel->receivers);
 * kernel/channel.c: has_item
 *      AVAILABLE       return channel->count > 0 || channel->closed;
 */
#define RECEIVERS 3             /* nightly: 4 */
#define ITEMS 4                 /* nightly: 6 */
#define NONE 255

byte line[RECEIVERS], length;   /* who waits; line[0] is the first */
bool in_line[RECEIVERS];
bool woken[RECEIVERS];
byte sent, received;            /* items are numbered: what is in the channel is received .. sent - 1 */
bool closed;
byte ended;                     /* receivers */
byte at;

#define AVAILABLE (sent > received || closed)
#define FIRST_IS_WOKEN (length == 0 || !AVAILABLE || woken[line[0]])

inline wake_first()
{
        if
        :: length > 0 && AVAILABLE -> woken[line[0]] = true
        :: else
        fi
}

inline leave(me)
{
        at = 0;
        do
        :: line[at] != me -> at++
        :: else -> break
        od;
        do
        :: at + 1 < length -> line[at] = line[at + 1]; at++
        :: else -> break
        od;
        length--;
        line[length] = 0;
        in_line[me] = false
}

inline send()
{
        sent++;
        if
        :: sent == received + 1 -> wake_first()
        :: else
        fi;
        assert(FIRST_IS_WOKEN)
}

proctype receiver(byte me)
{
        bool its_turn;

        do
        :: atomic {     /* a poll: the first, a woken one, or a spurious one */
                woken[me] = false;
                if
                :: in_line[me] -> its_turn = line[0] == me
#ifdef NEWCOMER_OVERTAKES
                :: !in_line[me] -> its_turn = true
#else
                :: !in_line[me] -> its_turn = length == 0
#endif
                fi;
                its_turn = its_turn && AVAILABLE;
#ifdef TAKE_UNMASKED
           }
           atomic {
#endif
                if
                :: its_turn ->
                        assert(length == 0 || line[0] == me);   /* nobody is overtaken */
                        if
                        :: in_line[me] -> leave(me)
                        :: else
                        fi;
                        if
                        :: sent > received -> received++
                        :: else -> wake_first(); goto over      /* closed */
                        fi;
                        wake_first();
                        assert(FIRST_IS_WOKEN)
                :: !its_turn && !in_line[me] ->
                        line[length] = me;
                        length++;
                        in_line[me] = true
                :: else
                fi;
                assert(FIRST_IS_WOKEN)
           }
        :: atomic {     /* its timer has fired */
                in_line[me] ->
                leave(me);
                woken[me] = false;
#ifndef WITHDRAWAL_WAKES_NOBODY
                wake_first();
#endif
                assert(FIRST_IS_WOKEN)
           }
        od;
over:   ended++
}

active proctype task_sender()
{
        do
        :: atomic { sent < ITEMS -> send() }
        :: sent == ITEMS -> break
        od;
        atomic { closed = true; wake_first() }
}

active proctype interrupt_sender()
{
        do
        :: atomic { sent < ITEMS -> send() }
        :: sent == ITEMS || closed -> break
        od
}

init {
        atomic {
                do
                :: at < RECEIVERS -> run receiver(at); at++
                :: else -> break
                od
        }
        ended == RECEIVERS;
        assert(received == ITEMS && length == 0)
}
