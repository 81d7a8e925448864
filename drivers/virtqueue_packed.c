/* SPDX-License-Identifier: MIT */
/*
 * virtqueue_packed.c - the packed ring (virtio 1.2, 2.8): one array of descriptors, which the driver makes
 * available and the device writes over when it has used them.
 *
 *      add         descriptors[added], but for the flags of the first since the last publish
 *      publish     those flags, and with them all that follow; perhaps notify
 *      pop_used    descriptors[last_used], when its flags say so -> seat
 *
 * A wrap counter is the bit above those of the place: the size is a power of two, and 1 is the first lap (2.8.1).
 *
 * With tables a request is one descriptor. Without them a seat's list is kept beside the ring, and copied.
 */
#include "arch.h"
#include "virtqueue.h"

enum { DESC_F_AVAIL = 1 << 7, DESC_F_USED = 1 << 15, OFF_WRAP_COUNTER = 1 << 15 };

enum { EVENT_FLAGS_DISABLE = 1, EVENT_FLAGS_DESC = 2, EVENT_FLAGS = 3 };

/* The driver's and the device's wish, as their area has it (2.8.10). */
struct event {
        uint16_t off_wrap;
        uint16_t flags;
};

static struct virtq_descriptor *descriptor(const struct virtq *queue, uint16_t place)
{
        return &queue->descriptors[place & queue->mask];
}

static bool first_lap(const struct virtq *queue, uint16_t place) { return (place & queue->layout.size) == 0; }

static uint16_t off_wrap(const struct virtq *queue, uint16_t place)
{
        return (uint16_t)((place & queue->mask) | (first_lap(queue, place) ? OFF_WRAP_COUNTER : 0));
}

static size_t ring_bytes(const struct virtq_layout *layout)
{
        return layout->size * sizeof(struct virtq_descriptor) + 2 * sizeof(struct event);
}

static void lay_out(struct virtq *queue)
{
        struct event *event = (void *)(queue->descriptors + queue->layout.size);

        queue->driver_area = event;
        queue->device_area = event + 1;
        device_store(&event->off_wrap, off_wrap(queue, 0));
        device_store(&event->flags, (uint16_t)(queue->layout.event_idx ? EVENT_FLAGS_DESC : 0));
}

static void add_descriptor(struct virtq *queue, uint16_t seat, uint64_t address, uint32_t length, unsigned flags)
{
        uint16_t place = queue->added++;
        struct virtq_descriptor *to = descriptor(queue, place);

        flags |= first_lap(queue, place) ? DESC_F_AVAIL : DESC_F_USED;
        device_store(&to->address, address);
        device_store(&to->length, length);
        device_store(&to->packed.id, seat);
        if (place == (uint16_t)queue->published)
                queue->withheld = (uint16_t)flags;
        else
                device_store(&to->packed.flags, (uint16_t)flags);
}

static void set_segments(struct virtq *queue, uint16_t seat, unsigned segments)
{
        (void)queue;
        (void)seat;
        (void)segments;
}

void virtq_packed_add(struct virtq *queue, uint16_t seat)
{
        const struct virtq_descriptor *list = virtq_descriptor_at(queue, seat, 0);
        bool indirect = queue->layout.indirect;
        unsigned segments = queue->seat[seat].segments;

        if (indirect)
                add_descriptor(queue, seat, (uint64_t)(uintptr_t)list, segments * (uint32_t)sizeof *list,
                               VIRTQ_DESC_F_INDIRECT);
        else
                for (unsigned i = 0; i < segments; i++)
                        add_descriptor(queue, seat, list[i].address, list[i].length,
                                       list[i].packed.flags | (i + 1 < segments ? VIRTQ_DESC_F_NEXT : 0u));
        /* Last: until here no id of a lying device is this seat's. */
        shared_store(&queue->taken[seat], (uint8_t)(indirect ? 1 : segments));
}

/* What the device wishes, read at once. Without EVENT_IDX the flags have only two values (2.8.10). */
static bool wants_notification(const struct virtq *queue, uint16_t new, uint16_t old)
{
        uint32_t wish = device_load((const uint32_t *)queue->device_area);
        unsigned flags = wish >> 16 & EVENT_FLAGS;

        if (flags != EVENT_FLAGS_DESC || !queue->layout.event_idx)
                return flags != EVENT_FLAGS_DISABLE;

        /* As virtq_need_event(), in the two laps that off_wrap can tell apart. */
        unsigned size = queue->layout.size, lap = wish & OFF_WRAP_COUNTER ? 0 : size;
        unsigned event = (wish & (OFF_WRAP_COUNTER - 1)) + lap;

        return ((new - event - 1) & (2 * size - 1)) < (uint16_t)(new - old);
}

bool virtq_packed_publish(struct virtq *queue)
{
        uint16_t old = (uint16_t)queue->published, new = queue->added;

        if (old == new)
                return false;
        /* Before the flags: the device may be done, and its interrupt here, on the next instruction. */
        shared_store(&queue->published, (uint32_t)new);
        ring_entry_before_index();
        device_store(&descriptor(queue, old)->packed.flags, queue->withheld);
        shared_store(&queue->shown, (uint32_t)new);
        ring_index_before_event();
        return wants_notification(queue, new, old);
}

/* Used: both flags are the wrap counter (2.8.1). */
static bool is_used(const struct virtq *queue)
{
        unsigned both = DESC_F_AVAIL | DESC_F_USED;

        return (device_load(&descriptor(queue, queue->last_used)->packed.flags) & both) ==
               (first_lap(queue, queue->last_used) ? both : 0);
}

/* As in the split ring: after the driver has said what it wants an interrupt for, it looks again. */
static bool look(struct virtq *queue)
{
        struct event *wish = queue->driver_area;

        if (queue->broken)
                return false;
        if (is_used(queue))
                return true;
        if (!queue->layout.event_idx)
                return false;
        device_store(&wish->off_wrap, off_wrap(queue, queue->last_used));
        ring_index_before_event();
        return is_used(queue);
}

/*
 * The length counts whatever the descriptor's WRITE flag says. 2.8.4 has it valid only with the flag, which
 * QEMU (7.2 to 10) never sets.
 */
long virtq_packed_pop_used(struct virtq *queue, uint32_t *written)
{
        if (!look(queue))
                return -1;
        ring_index_before_element();

        const struct virtq_descriptor *from = descriptor(queue, queue->last_used);
        size_t id = device_load(&from->packed.id);

        /* Before the seat is given up: one that was added and not published is not the device's to answer. */
        if (id < queue->seats && (uint16_t)(shared_load(&queue->published) - queue->last_used) < queue->taken[id]) {
                virtq_break(queue, "more is used than is in flight");
                return -1;
        }
        return virtq_answered(queue, id, device_load(&from->length), written);
}

const struct virtq_format virtq_packed = {
        .ring_bytes = ring_bytes, .lay_out = lay_out, .set_segments = set_segments };
