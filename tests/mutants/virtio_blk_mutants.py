# SPDX-License-Identifier: MIT
"""Mutants of the virtio disk; see suite."""

DISK = "drivers/virtio_blk.c"
DISK_SETUP = "drivers/virtio_blk_setup.c"

MUTANTS = [
    ("complete-recorded-for-each-piece", DISK, "trace", {"if (traced && block_last_piece(request))": "if (traced)"}),
    ("back-as-another-disk", DISK_SETUP, "reset", {
        "again && device->features != block->features": "false"}),
    ("cache-not-restored", DISK_SETUP, "disk", {
        "                error = block_set_write_cache(block, had_cache);": "                ;"}),
    ("used-before-it-is-published", DISK, "reset", {
        "if (was_never_told(": "if (false && was_never_told("}),
    ("unpublished-may-end-well", DISK, "reset", {" || virtq_has_unpublished(&queue->ring)) {": ") {"}),
    ("unmap-forgotten", DISK, "disk", {
        "request->unmap ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0": "0"}),
    ("one-queue-only", DISK, "disk", {
        "        for (unsigned i = 0; i < disk->block.queues; i++) {\n                if (virtq_has_seat": """
        for (unsigned i = 0; i < 1; i++) {
                if (virtq_has_seat"""}),
    ("all-is-accepted-but-a-few", DISK_SETUP, "features", {
        "virtio_negotiate(device, SUPPORTED)": "virtio_negotiate(device, ~(UINT64_C(1) << 7 | UINT64_C(1) << 30))"}),
    *((f"{what}-accepted", DISK_SETUP, "features", {"virtio_negotiate(device, SUPPORTED)":
                                                    f"virtio_negotiate(device, SUPPORTED | UINT64_C(1) << {bit})"})
      for what, bit in (("barrier", 0), ("scsi", 7), ("zoned", 17), ("unused-bit", 30), ("access-platform", 33), ("in-order", 35),
                        ("order-platform", 36), ("notification-data", 38), ("ring-reset", 40))),
    ("cache-switchable-without-flush", DISK_SETUP, "features", {
        "block->has_flush && virtio_has(disk->virtio, VIRTIO_BLK_F_CONFIG_WCE)": "virtio_has(disk->virtio, VIRTIO_BLK_F_CONFIG_WCE)"}),
    ("cache-on-though-it-was-off", DISK_SETUP, "disk_setup", {
        "return error == 0 ? 0 : virtio_refuse(device, \"its write cache is not as it was\");": "return 0;"}),
    ("cache-taken-for-on", DISK_SETUP, "disk_setup", {"block->has_flush && fields[CONFIG_WRITEBACK].value != 0": "block->has_flush"}),
    ("restless-capacity-believed", DISK_SETUP, "disk_setup", {
        "else if (virtio_config_read(disk->virtio, &capacity, 1) != 0)": "else if (virtio_config_read(disk->virtio, &capacity, 1) > 0)"}),
    ("packed-ring-taken-for-a-split-one", DISK_SETUP, "packed_disk", {" || disk->queues->ring.layout.packed": ""}),
    ("packed-lie-not-told", DISK, "packed_disk", {"        if (queue->ring.broken)\n": "        if (queue->ring.broken && !disk->general)\n"}),
    ("never-driver-ok", DISK_SETUP, "disk", {"        virtio_ready(device);\n": ""}),
    ("cache-switched-before-features-ok", DISK_SETUP, "disk", {
        "        int error = virtio_negotiate(device, SUPPORTED);\n": """
        int error = again ? virtio_blk_set_write_cache(block, had_cache) : 0;

        error = virtio_negotiate(device, SUPPORTED);
"""}),
    ("configuration-read-before-features-ok", DISK_SETUP, "disk", {
        "        int error = virtio_negotiate(device, SUPPORTED);\n": """
        int error = read_config(disk) ?: virtio_negotiate(device, SUPPORTED);
"""}),
    ("only-one-queue-stops-listening", DISK_SETUP, "queues", {
        "        for (unsigned i = 0; i < block->queues; i++)\n                virtq_break(": """
        for (unsigned i = 0; i < 1; i++)
                virtq_break("""}),
    ("needs-reset-unheard", DISK_SETUP, "reset", {"if (virtio_needs_reset(disk->virtio))": "if (false)"}),
    ("retired-and-not-told", DISK_SETUP, "reset", {"if (error != 0 || for_good)": "if (false)"}),
    ("resize-unheard", DISK_SETUP, "disk", {"                block_resize(block, capacity.value);\n": "                ;\n"}),
    ("capacity-in-bytes", DISK_SETUP, "disk", {
        "block->capacity = fields[CONFIG_CAPACITY].value;": "block->capacity = fields[CONFIG_CAPACITY].value * SECTOR_SIZE;"}),
    ("segments-without-number", DISK_SETUP, "disk", {"fields[CONFIG_SEG_MAX].value >= segments ? segments : SEGMENTS_CHAINED": "segments"}),
    ("segments-of-any-size", DISK_SETUP, "disk", {
        "ALIGN_DOWN(fields[CONFIG_SIZE_MAX].value < bytes ? fields[CONFIG_SIZE_MAX].value\n"
        "                                                                                                 : bytes, block_size)":
        "ALIGN_DOWN(bytes, block_size)"}),
    ("segments-that-hold-no-block", DISK_SETUP, "disk", {"if (fields[CONFIG_SIZE_MAX].value < block_size)": "if (false)"}),
    ("block-of-any-size", DISK_SETUP, "disk", {" || (block_size & (block_size - 1)) != 0": ""}),
    ("ranges-of-any-size", DISK_SETUP, "disk", {"return segments > 0 ? (uint32_t)ALIGN_DOWN(sectors,": "return true ? (uint32_t)ALIGN_DOWN(sectors,"}),
    ("no-queue-at-all", DISK_SETUP, "disk", {"if (fields[CONFIG_NUM_QUEUES].value == 0)": "if (false)"}),
    ("queues-without-bound", DISK_SETUP, "disk", {"fields[CONFIG_NUM_QUEUES].value < VIRTIO_BLK_QUEUES_MAX ?": "true ?"}),
    ("header-cut-short", DISK_SETUP, "disk", {"&seat->header, sizeof seat->header, ": "&seat->header, 8, "}),
    ("back-with-another-block", DISK_SETUP, "reset", {
        "if (disk->block.block_size != 0 && disk->block.block_size != block_size)": "if (false)"}),
    ("data-of-a-read-not-writable", DISK, "disk", {
        "reads ? VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE : VIRTQ_DESC_F_NEXT);": "VIRTQ_DESC_F_NEXT);"}),
    ("status-before-the-data", DISK, "disk", {
        "        end_with_status(ring, number, seat, 2);\n": """
        virtq_segment(ring, number, 1, &seat->status, 1, VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE);
        seat->data = virtq_segment(ring, number, 2, NULL, 0, reads ? VIRTQ_DESC_F_WRITE : 0);
        virtq_set_segments(ring, number, 3, 0);
"""}),
    ("status-on-the-stack", DISK, "disk", {
        "        virtq_segment(ring, number, segments, &seat->status, 1": """
        uint8_t status = STATUS_UNWRITTEN;

        virtq_segment(ring, number, segments, &status, 1"""}),
    ("status-not-preset", DISK, "lies", {"        device_store(&seat->status, (uint8_t)STATUS_UNWRITTEN);\n": ""}),
    ("strange-status-is-well", DISK, "lies", {"if (status != VIRTIO_BLK_S_OK ||": "if (status == 1 || status == VIRTIO_BLK_S_UNSUPP ||"}),
    ("bad-status-is-a-panic", DISK, "lies", {
        "                if (status != VIRTIO_BLK_S_OK ||": """
                if (status > VIRTIO_BLK_S_UNSUPP)
                        __builtin_trap();
                if (status != VIRTIO_BLK_S_OK ||"""}),
    ("unknown-to-the-device-is-an-error", DISK, "features", {"status == VIRTIO_BLK_S_UNSUPP ? -ENOTSUP : -EIO": "-EIO"}),
    ("flush-of-a-sector", DISK, "disk", {"        seat->header.sector = 0;\n": ""}),
    ("id-of-another-length", DISK, "disk", {"? BLOCK_ID_BYTES :": "? BLOCK_ID_BYTES + 1 :"}),
    ("answers-in-order", DISK, "interleave", {
        "                struct virtio_blk_seat *seat = &queue->seats[number];\n                struct block_future *request": """
                struct virtio_blk_seat *seat = &queue->seats[number];

                for (unsigned i = 0; i < queue->ring.seats; i++)
                        if (queue->ring.taken[i] && queue->seats[i].owner->seated < seat->owner->seated) {
                                struct block_future *older = queue->seats[i].owner;

                                queue->seats[i].owner = seat->owner;
                                seat->owner = older;
                        }
                struct block_future *request"""}),
    ("seat-is-lost", DISK, "disk", {"                virtq_release(&queue->ring, (size_t)number);\n": ""}),
    ("sectors-for-bytes", DISK, "disk", {
        "virtq_point(seat->data, request->buffer, request->sectors * SECTOR_SIZE);\n        virtq_put(&queue->ring":
        "virtq_point(seat->data, request->buffer, request->sectors);\n        virtq_put(&queue->ring"}),
    ("broken-ring-not-told", DISK, "lies", {"        if (queue->ring.broken)\n": "        if (false)\n"}),
]
