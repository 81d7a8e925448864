# SPDX-License-Identifier: MIT
"""Mutants of the virtqueue; see suite."""

PACKED, SPLIT = "drivers/virtqueue_packed.c", "drivers/virtqueue_split.c"
COMMON = "drivers/virtqueue.c"
HEADER, RING, SPLIT_HEADER = "include/virtqueue.h", "include/virtqueue_ring.h", "include/virtqueue_split.h"

MUTANTS = [
    ("packed-first-flags-at-once", PACKED, "virtqueue_packed", {
        "                queue->withheld = (uint16_t)flags;\n        else\n": """
                queue->withheld = (uint16_t)flags;
"""}),
    ("packed-published-without-a-barrier", PACKED, "virtqueue_packed", {"        ring_entry_before_index();\n": ""}),
    ("packed-one-lap-for-ever", PACKED, "virtqueue", {"(place & queue->layout.size) == 0": "true"}),
    ("packed-lists-skipped-as-one", PACKED, "virtqueue", {"(uint8_t)(indirect ? 1 : segments)": "1"}),
    ("packed-either-flag-is-used", PACKED, "virtqueue_packed_lies", {"unsigned both = DESC_F_AVAIL | DESC_F_USED": """
        unsigned both = DESC_F_USED"""}),
    ("packed-no-second-look", PACKED, "virtqueue_order", {
        "        ring_index_before_event();\n        return is_used(queue);": "        return false;"}),
    ("packed-event-without-its-lap", PACKED, "virtqueue_packed", {"wish & OFF_WRAP_COUNTER ? 0 : size": "0"}),
    ("packed-element-before-its-flags", PACKED, "virtqueue_order", {
        "                return -1;\n        ring_index_before_element();\n": "                return -1;\n"}),
    ("packed-used-beyond-what-is-in-flight", PACKED, "virtqueue_packed_lies", {
        "(uint16_t)(shared_load(&queue->published) - queue->last_used) < queue->taken[id]": "false"}),
    ("split-no-second-look", SPLIT_HEADER, "virtqueue_order", {
        "                ring_index_before_event();\n                idx = device_load(&used->idx);\n": ""}),
    ("seat-taken-though-it-is-not", HEADER, "virtqueue", {
        "                queue->free = queue->seat[seat].next_free;\n": "                ;\n"}),
    ("packed-wishes-read-without-a-barrier", PACKED, "virtqueue_packed", {
        "        ring_index_before_event();\n        return wants_notification": "        return wants_notification"}),
    ("packed-length-over-strict", PACKED, "virtqueue_packed_lies", {
        "device_load(&from->length), written": "from->packed.flags & VIRTQ_DESC_F_WRITE ? device_load(&from->length) : 0, written"}),
    ("packed-table-with-other-flags", HEADER, "virtqueue", {"flags & VIRTQ_DESC_F_WRITE);": "flags);"}),
    ("split-published-without-a-barrier", SPLIT_HEADER, "virtqueue_order", {"        ring_entry_before_index();\n": ""}),
    ("split-index-before-its-entry", SPLIT_HEADER, "virtqueue_order", {
        "        device_store(&avail->ring[place], seat);\n": """
        device_store(&avail->idx, queue->added);
        device_store(&avail->ring[place], seat);
"""}),
    ("split-index-modulo-the-size", SPLIT_HEADER, "virtqueue", {
        "device_store(&avail->idx, new);": "device_store(&avail->idx, (uint16_t)(new & queue->mask));"}),
    ("split-wishes-read-without-a-barrier", SPLIT_HEADER, "virtqueue_order", {
        "        ring_index_before_event();\n        if (event)\n": "        if (event)\n"}),
    ("split-notifies-in-any-case", SPLIT_HEADER, "virtqueue_order", {
        "return (device_load(&used->flags) & VIRTQ_USED_F_NO_NOTIFY) == 0;": "return true;"}),
    ("split-flags-count-beside-the-event", SPLIT_HEADER, "virtqueue_order", {
        "return virtq_need_event(device_load(event), new, old);":
        "return virtq_need_event(device_load(event), new, old) && !(((struct virtq_used *)queue->device_area)->flags & 1);"}),
    ("split-element-before-its-index", SPLIT_HEADER, "virtqueue_order", {"        ring_index_before_element();\n": ""}),
    ("split-used-index-believed", SPLIT_HEADER, "virtqueue_lies", {
        "if ((uint16_t)(idx - last) <= (uint16_t)(shared_load(&queue->published) - last))": "if (true)"}),
    ("split-id-read-twice", SPLIT_HEADER, "virtqueue_lies", {
        "        return virtq_answered(queue, id, ": """
        if (id < queue->seats && queue->taken[id])
                id = device_load(&element->id) % queue->seats;
        return virtq_answered(queue, id, """}),
    ("broken-and-looked-at-again", SPLIT_HEADER, "virtqueue_lies", {"if (idx == last || queue->broken)": "if (idx == last)"}),
    ("event-off-by-one", RING, "virtqueue_order", {"(new - event - 1) < (uint16_t)": "(new - event - 1) <= (uint16_t)"}),
    ("event-without-wrapping", RING, "virtqueue_order", {
        "return (uint16_t)(new - event - 1) < (uint16_t)(new - old);": "return new - event - 1 < new - old;"}),
    ("used-id-of-any-size", RING, "virtqueue_lies", {"if (id >= queue->seats || ": "id %= queue->seats;\n        if ("}),
    ("used-id-of-anybody", RING, "virtqueue_lies", {" || queue->taken[id] == 0) {": ") {"}),
    ("used-length-believed", RING, "virtqueue_lies", {"*written = length < queue->seat[id].writable ? length : queue->seat[id].writable;":
                                                      "*written = length;"}),
    ("answered-and-still-taken", RING, "virtqueue_lies", {"        queue->taken[id] = 0;\n": ""}),
    ("descriptors-read-back", RING, "virtqueue_lies", {"length < queue->seat[id].writable ? length : queue->seat[id].writable":
                                                       "length < queue->descriptors[id].length ? length : queue->descriptors[id].length"}),
    ("ring-not-cleared", COMMON, "virtqueue", {"        memset(ring, 0, virtq_ring_bytes(layout));\n": ""}),
    ("size-that-is-no-power-of-two", COMMON, "virtqueue", {" || (size & (size - 1)) != 0": ""}),
    ("chain-longer-than-the-queue", COMMON, "virtqueue", {" || size < layout->segments": ""}),
    ("more-seats-than-room", COMMON, "virtqueue", {"(uint16_t)(layout->size / layout->segments)": "layout->size"}),
    ("chain-without-end", SPLIT, "virtqueue", {"->next, (uint16_t)(second + i));": "->next, second);"}),
    ("used-ring-misaligned", SPLIT, "virtqueue", {
        "ALIGN_UP(descriptor_bytes(layout) + avail_bytes(layout), VIRTQ_RING_ALIGN)": "descriptor_bytes(layout) + avail_bytes(layout)"}),
    ("indirect-with-next", SPLIT, "virtqueue", {"(uint16_t)VIRTQ_DESC_F_INDIRECT": "(uint16_t)(VIRTQ_DESC_F_INDIRECT | VIRTQ_DESC_F_NEXT)"}),
]
