/* SPDX-License-Identifier: MIT */
/*
 * virtqueue.c - the virtqueue against a device that writes whatever it likes, in every order of a few steps.
 *
 * A step is one of the driver's (add, publish, pop, release) or one store of the device's, to any field that it may
 * write, with each kind of value: right, stale, ahead of what is in flight, out of range. After each step it must hold:
 *
 *      a seat is free, added, published or popped, and the two free lists have each free one once
 *      a pop answers with a seat that is in the ring, and with no more bytes than the device could have written
 *      a queue that is broken stays so, and answers nothing any more
 *
 * The second does not say that the device had been shown the seat: while one request is in flight it may answer with the
 * seat of another, which is in the ring and not yet published. How many it may answer is checked, not which of them.
 *
 * With cbmc main() takes STEPS steps of which nothing is known. Without it, explore() takes all of them, in all orders,
 * from each state that it has not seen before. The layout is given by -D: SIZE, SEGMENTS, INDIRECT, EVENT_IDX, PACKED.
 */
#include "virtqueue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { START = 65536 - SIZE, WRITABLE = 5, SEATS_MAX = SIZE, LENGTHS = 2 };
enum { RING_BYTES = PACKED ? SIZE * 16 + 8 : 4096 + 6 + SIZE * 8, TABLE_BYTES = SIZE * 16 + SIZE * SEGMENTS * 16 };

enum place { FREE, ADDED, PUBLISHED, POPPED };

static _Alignas(4096) uint8_t ring[RING_BYTES];
static _Alignas(16) uint8_t tables[TABLE_BYTES];
static struct virtq queue;
static uint8_t places[SEATS_MAX];       /* of each seat: what we know of it */
static bool was_broken;
static uint16_t broken_at;

#ifdef CBMC
unsigned nondet_unsigned(void);
#define CHECK(what) __CPROVER_assert(what, #what)
#else
static _Noreturn void failed(const char *what);
#define CHECK(what) ((what) ? (void)0 : failed(#what))
#endif

/* What must hold --------------------------------------------------------------------------------- */

static unsigned count_free(uint32_t first, uint8_t *seen)
{
        unsigned count = 0;

        for (uint32_t seat = first; seat != VIRTQ_NO_SEAT && count <= queue.seats; seat = queue.seat[seat].next_free) {
                CHECK(seat < queue.seats);
                CHECK(seen[seat]++ == 0);
                count++;
        }
        return count;
}

static void check(void)
{
        uint8_t seen[SEATS_MAX] = { 0 };
        unsigned free = count_free(queue.free, seen) + count_free(queue.released, seen);

        for (unsigned seat = 0; seat < queue.seats; seat++) {
                CHECK((places[seat] == FREE) == (seen[seat] == 1));
                CHECK((places[seat] == ADDED || places[seat] == PUBLISHED) == (queue.taken[seat] != 0));
                free -= places[seat] == FREE;
        }
        CHECK(free == 0);
        CHECK((uint16_t)(queue.published - queue.last_used) <= SIZE);
        CHECK((uint16_t)(queue.added - queue.last_used) <= SIZE);
        CHECK(!was_broken || (queue.broken && queue.last_used == broken_at));
        was_broken = queue.broken != NULL;
        broken_at = queue.last_used;
}

/* The driver ------------------------------------------------------------------------------------- */

static void add(unsigned segments)
{
        uint16_t seat = virtq_take_seat(&queue);

        if (seat == VIRTQ_NO_SEAT)
                return;
        CHECK(seat < queue.seats && places[seat] == FREE);
        for (unsigned i = 0; i < segments; i++)
                virtq_segment(&queue, seat, i, NULL, 512, i + 1 < segments ? VIRTQ_DESC_F_NEXT : VIRTQ_DESC_F_WRITE);
        virtq_add(&queue, seat, segments, WRITABLE);
        places[seat] = ADDED;
}

static void publish(void)
{
        virtq_publish(&queue);
        for (unsigned seat = 0; seat < queue.seats; seat++)
                if (places[seat] == ADDED)
                        places[seat] = PUBLISHED;
}

static void pop(void)
{
        uint32_t written = 0;
        long seat = virtq_pop_used(&queue, &written);

        CHECK(seat >= -1 && seat < queue.seats);
        if (seat < 0)
                return;
        CHECK(!was_broken);
        /* One that was added and not published the device can guess, while another is in flight: see the comment above. */
        CHECK(places[seat] == PUBLISHED || places[seat] == ADDED);
        CHECK(written <= WRITABLE);
        places[seat] = POPPED;
}

static void release(void)
{
        for (uint16_t seat = 0; seat < queue.seats; seat++)
                if (places[seat] == POPPED) {
                        places[seat] = FREE;
                        virtq_release(&queue, seat);
                        return;
                }
}

/* The device -------------------------------------------------------------------------------------- */

/* An id of a seat, or one too many; a length that can be, or not. In any place that it may write next. */
static void write_element(unsigned what)
{
        unsigned at = what % SIZE, id = what / SIZE % (SEATS_MAX + 1);
        uint32_t length = what / SIZE / (SEATS_MAX + 1) ? UINT32_MAX : WRITABLE - 1;

        if (PACKED) {
                queue.descriptors[at].packed.id = (uint16_t)id;
                queue.descriptors[at].length = length;
        } else {
                struct virtq_used *used = queue.device_area;

                used->ring[at] = (struct virtq_used_element){ id == SEATS_MAX ? UINT32_MAX : id, length };
        }
}

/* Split: used.idx, up to two beyond what the ring can hold. Packed: the two flags of a descriptor. */
static void write_index(unsigned what)
{
        if (PACKED)
                queue.descriptors[what % SIZE].packed.flags = (uint16_t)((what / SIZE & 1) << 7 | (what / SIZE & 2) << 14);
        else
                ((struct virtq_used *)queue.device_area)->idx = (uint16_t)(queue.last_used + what);
}

static void write_wish(unsigned what)
{
        if (PACKED)
                *(uint32_t *)queue.device_area = what ? 2u << 16 | (START & (SIZE - 1)) : 1u << 16;
        else if (queue.avail_event)
                *queue.avail_event = (uint16_t)(START + what);
        else
                ((struct virtq_used *)queue.device_area)->flags = (uint16_t)what;
}

enum {
        ELEMENTS = SIZE * (SEATS_MAX + 1) * LENGTHS, INDICES = PACKED ? SIZE * 4 : SIZE + 3, WISHES = 2,
        ADDS = SEGMENTS, DRIVER = ADDS + 3, CHOICES = DRIVER + ELEMENTS + INDICES + WISHES,
};

static void step(unsigned choice)
{
        if (choice < ADDS)
                add(choice + 1);
        else if (choice == ADDS)
                publish();
        else if (choice == ADDS + 1)
                pop();
        else if (choice == ADDS + 2)
                release();
        else if (choice < DRIVER + ELEMENTS)
                write_element(choice - DRIVER);
        else if (choice < DRIVER + ELEMENTS + INDICES)
                write_index(choice - DRIVER - ELEMENTS);
        else
                write_wish(choice - DRIVER - ELEMENTS - INDICES);
        check();
}

/* A ring with one lap to go before its indices wrap, and one request in flight. */
static void begin(void)
{
        const struct virtq_layout layout = { SIZE, SEGMENTS, INDIRECT, EVENT_IDX, PACKED };

        CHECK(virtq_ring_bytes(&layout) <= sizeof ring && virtq_table_bytes(&layout) <= sizeof tables);
        CHECK(virtq_init(&queue, &layout, ring, tables) == 0);
        queue.added = queue.last_used = queue.seen_used = (uint16_t)START;
        queue.published = START;
        if (!PACKED)
                ((struct virtq_avail *)queue.driver_area)->idx = ((struct virtq_used *)queue.device_area)->idx = (uint16_t)START;
        for (unsigned i = 0; PACKED && i < SIZE; i++) /* the lap before has used them all; START begins one with a wrap counter of 0 */
                queue.descriptors[i].packed.flags = 0x8080;
        check();
        add(1);
        publish();
}

#ifdef CBMC

int main(void)
{
        begin();
        for (unsigned i = 0; i < STEPS; i++) {
                unsigned choice = nondet_unsigned();

                __CPROVER_assume(choice < CHOICES);
                step(choice);
        }
}

#else

/* All that a step may change; `queue` points into the others, which stay where they are. */
struct state {
        struct virtq queue;
        uint8_t head[PACKED ? sizeof ring : 128 + SIZE * 16], tail[PACKED ? 1 : 6 + SIZE * 8], tables[sizeof tables], places[sizeof places];
        bool was_broken;
        uint16_t broken_at;
};

enum { SEEN = 1 << 22 };

static struct seen {
        uint64_t hash;
        unsigned depth; /* how many steps were tried from there */
} seen[SEEN];

static unsigned long states, steps;
static unsigned path[64], depth_of_path;

static _Noreturn void failed(const char *what)
{
        printf("not so: %s\nafter these steps of %u:", what, CHOICES);
        for (unsigned i = 0; i < depth_of_path; i++)
                printf(" %u", path[i]);
        printf("\n");
        exit(1);
}

static void save(struct state *state)
{
        memset(state, 0, sizeof *state);
        state->queue = queue;
        memcpy(state->head, ring, sizeof state->head);
        memcpy(state->tail, ring + sizeof ring - sizeof state->tail, sizeof state->tail);
        memcpy(state->tables, tables, sizeof tables);
        memcpy(state->places, places, sizeof places);
        state->was_broken = was_broken;
        state->broken_at = broken_at;
}

static void restore(const struct state *state)
{
        queue = state->queue;
        memcpy(ring, state->head, sizeof state->head);
        memcpy(ring + sizeof ring - sizeof state->tail, state->tail, sizeof state->tail);
        memcpy(tables, state->tables, sizeof tables);
        memcpy(places, state->places, sizeof places);
        was_broken = state->was_broken;
        broken_at = state->broken_at;
}

/* Whether as many steps have been tried from here before. Two states with one hash of 64 bits are taken for one. */
static bool is_known(const struct state *state, unsigned depth)
{
        uint64_t hash = 14695981039346656037u;
        size_t at;

        for (size_t i = 0; i < sizeof *state; i++)
                hash = (hash ^ ((const uint8_t *)state)[i]) * 1099511628211u;
        for (at = hash % SEEN; seen[at].hash != 0 && seen[at].hash != hash; at = (at + 1) % SEEN)
                ;
        if (seen[at].hash == hash && seen[at].depth >= depth)
                return true;
        if (seen[at].hash == 0 && ++states > SEEN / 4 * 3) {
                printf("more states than there is room for\n");
                exit(1);
        }
        seen[at] = (struct seen){ hash, depth };
        return false;
}

static void explore(unsigned depth)
{
        struct state here;

        save(&here);
        if (depth == 0 || is_known(&here, depth))
                return;
        for (unsigned choice = 0; choice < CHOICES; choice++) {
                path[depth_of_path++] = choice;
                steps++;
                step(choice);
                explore(depth - 1);
                depth_of_path--;
                restore(&here);
        }
}

int main(int count, char **arguments)
{
        begin();
        explore(count > 1 ? (unsigned)atoi(arguments[1]) : STEPS);
        printf("%lu states, %lu steps\n", states, steps);
}

#endif
