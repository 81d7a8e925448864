/* SPDX-License-Identifier: MIT */
/*
 * events.pml - with EVENT_IDX neither side sleeps on what the other has shown it: a split ring, both ways (virtio 1.2, 2.7.7, 2.7.10).
 *
 * One way, tasks publish requests and the device takes them; the other, the device uses requests and the interrupt
 * handler pops them. Which of the two a run is about is left to chance, and what would come back on the other one comes
 * at once: so the states add up and do not multiply. The side that publishes at times waits until all of it is taken.
 *
 * Memory is weak: a store is on its way until memory has it, which `memory` decides. It takes the place of an earlier
 * one to the same location, but passes those to others, and loads pass it. Only a fence waits. Indices go round
 * after INDICES, as the real ones do after 2^16. The device keeps to the rules.
 *
 * It holds that somebody can always go on, so no notification and no interrupt is lost; that an entry or element
 * which is read is the one that was meant; and that the driver never takes an honest device for a broken one.
 *
 * include/virtqueue_split.h: virtq_split_add
 *      add             device_store(&avail->ring[place], seat);
 * include/virtqueue_split.h: virtq_split_publish
 *      publish         shared_store(&queue->published, (uint32_t)new);
 *      publish         ring_entry_before_index();
 *      publish         device_store(&avail->idx, new);
 *      publish         ring_index_before_event();
 *      publish         return virtq_need_event(device_load(event), new, old);
 * include/virtqueue_ring.h: virtq_need_event
 *      NEED_EVENT      return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
 * include/virtqueue_split.h: virtq_split_look
 *      look            idx = device_load(&used->idx);
 *      look            device_store(queue->used_event, last);
 *      look            ring_index_before_event();
 *      look            idx = device_load(&used->idx);
 *      look            if (idx == last || queue->broken)
 *      look            ring_index_before_element();
 *      look            queue->seen_used = idx;
 *      look            if ((uint16_t)(idx - last) <= (uint16_t)(shared_load(&queue->published) - last))
 * include/virtqueue_split.h: virtq_split_pop_used
 *      handler         if (queue->seen_used == last && !virtq_split_look(queue))
 *      handler         size_t id = device_load(&element->id);
 */
#define QUEUE 2                 /* entries of the ring; nightly: 4 */
#define INDICES 8               /* nightly: 8 */
#define NONE 255

#define AFTER(index) ((index + 1) % INDICES)
#define DISTANCE(from, to) ((to + INDICES - from) % INDICES)

#ifdef COMPARED_WITHOUT_WRAP
#define NEED_EVENT(event, new, old) (event >= old && event < new)
#else
#ifdef EVENT_OFF_BY_ONE
#define NEED_EVENT(event, new, old) (DISTANCE(event, new) < DISTANCE(old, new))
#else
#define NEED_EVENT(event, new, old) (DISTANCE(AFTER(event), new) < DISTANCE(old, new))
#endif
#endif

/* What memory has: a ring's entries, of which each is the index of its request; its index; the event of who reads it. */
byte ring[QUEUE] = NONE, idx, event;

/* Stores on their way there; NONE: there is none. And how many of them are entries. */
byte to_ring[QUEUE] = NONE, to_idx = NONE, to_event = NONE, entries;

bool signalled;                 /* a notification, or an interrupt */

byte added, published;          /* of who writes the ring */
byte last, seen;                /* of who reads it */

inline arrive(there, here)
{
        d_step { there = here; here = NONE }
}

active proctype memory()
{
end:    do
        :: to_idx != NONE -> arrive(idx, to_idx)
        :: to_event != NONE -> arrive(event, to_event)
        od
}

active [QUEUE] proctype memory_of_ring()
{
        byte place = _pid - 1;

end:    do
        :: atomic { to_ring[place] != NONE -> arrive(ring[place], to_ring[place]); entries-- }
        od
}

inline add()
{
        d_step {
                assert(to_ring[added % QUEUE] == NONE);
                to_ring[added % QUEUE] = added;
                entries++;
                added = AFTER(added)
        }
}

inline read_entry()
{
        entry = ring[last % QUEUE]
}

/* From the driver to the device ------------------------------------------------------------------- */

inline publish()
{
        old = published;
#ifndef PUBLISHED_IS_STORED_LATE
        published = added;
#endif
#ifndef NO_FENCE_BEFORE_THE_INDEX
        entries == 0;
#endif
        to_idx = added;
#ifndef NO_FENCE_BEFORE_THE_EVENT
        to_idx == NONE;
#endif
        wish = event;
        if
        :: NEED_EVENT(wish, added, old) -> signalled = true
        :: else
        fi;
#ifdef PUBLISHED_IS_STORED_LATE
        published = added
#endif
}

proctype task()
{
        byte old, wish;

        do
        :: DISTANCE(last, added) < QUEUE -> add()
        :: added != published -> publish()
        :: added == published && last != added ->
                last == added           /* all of them are awaited */
        od
}

proctype device_takes()
{
        do
        :: idx != last ->
                assert(ring[last % QUEUE] == last);
                assert(DISTANCE(last, idx) <= DISTANCE(last, published));      /* it may use them on the next instruction */
                last = AFTER(last)
        :: idx == last ->
                to_event = last;
                to_event == NONE;
                if
                :: idx != last
                :: idx == last ->
end:                    signalled ->
                        signalled = false
                fi
        od
}

/* From the device to the driver ------------------------------------------------------------------- */

proctype device_uses()
{
        byte old;

        do
        :: DISTANCE(last, added) < QUEUE -> add()
        :: added != published ->
                old = published;
                published = added;
                entries == 0;
                to_idx = published;
                to_idx == NONE;
                if
                :: NEED_EVENT(event, published, old) -> signalled = true
                :: else
                fi
        :: added == published && last != added ->
                last == added           /* there are no more requests */
        od
}

/* `found` is last where nothing has been used. */
inline look()
{
#ifdef ELEMENT_IS_LOADED_EARLY
        read_entry();
#endif
        found = idx;
        if
        :: found == last ->
                to_event = last;
#ifndef NO_FENCE_BEFORE_THE_SECOND_LOOK
                to_event == NONE;
#endif
#ifndef NO_SECOND_LOOK
                found = idx
#endif
        :: found != last
        fi;
#ifndef ELEMENT_IS_LOADED_EARLY
        read_entry()
#endif
}

inline pop()
{
        assert(entry == last);
        last = AFTER(last)
}

proctype handler()
{
        byte found, entry;

end:    do
        :: signalled ->
                signalled = false;      /* acknowledged */
                do
                :: seen == last ->
                        look();
                        if
                        :: found == last -> break
                        :: found != last -> seen = found
                        fi;
                        pop()
                :: seen != last ->
                        read_entry();
                        pop()
                od
        od
}

init {
        atomic {
                if
                :: run task(); run device_takes()
                :: run device_uses(); run handler()
                fi
        }
}
