# SPDX-License-Identifier: MIT
"""Mutants of what all virtio devices have in common, and of the transport; see suite."""

VIRTIO = "drivers/virtio.c"
MMIO = "drivers/virtio_mmio.c"

MUTANTS = [
    ("no-reset-at-first", VIRTIO, "virtio", {"        if (virtio_reset(device) != 0)\n": "        if (false)\n"}),
    ("reset-not-awaited", VIRTIO, "virtio", {"if (device->transport->get_status(device) == 0)": "if (true)"}),
    ("status-bits-taken-away", VIRTIO, "virtio", {"device->status |= bits;": "device->status = bits;"}),
    ("refused-features-not-noticed", VIRTIO, "virtio", {
        "if ((device->transport->get_status(device) & VIRTIO_STATUS_FEATURES_OK) == 0)": "if (false)"}),
    ("given-up-in-silence", VIRTIO, "virtio", {"        virtio_fail(device);\n": ""}),
    ("legacy-features-ok", VIRTIO, "virtio", {"        if (legacy) /* has no": "        if (false) /* has no"}),
    ("negotiated-again-without-a-reset", VIRTIO, "virtio", {
        "        if (virtio_reset(device) != 0)\n": "        if (device->features == 0 && virtio_reset(device) != 0)\n"}),
    ("features-that-were-not-offered", VIRTIO, "virtio", {"device->offered & supported;": "supported;"}),
    ("without-version-1", VIRTIO, "virtio", {"if (!legacy && !virtio_has(device, VIRTIO_F_VERSION_1))": "if (false)"}),
    ("queue-of-no-size", VIRTIO, "virtio", {"        if (maximum == 0)\n": "        if (false)\n"}),
    ("queue-never-made-smaller", VIRTIO, "virtio", {"                size /= 2;\n": "                break;\n"}),
    ("queue-larger-than-the-device-has", VIRTIO, "virtio", {"        if (size > maximum)\n": "        if (false)\n"}),
    ("indirect-though-not-accepted", VIRTIO, "virtio", {
        ".indirect = virtio_has(device, VIRTIO_F_INDIRECT_DESC)": ".indirect = true"}),
    ("queue-size-taken-again", VIRTIO, "reset", {
        "again ? queue->layout.size :": "", "while (!again && arguments": "while (arguments"}),
    ("torn-configuration", VIRTIO, "virtio_config", {
        "generation == device->transport->config_generation(device))": "device->transport->config_generation(device) + 1)"}),
    ("legacy-configuration-read-once", VIRTIO, "virtio_config", {"try > 0 && same :": "true :"}),
    ("legacy-generation", VIRTIO, "virtio_mmio", {"device->legacy ? 0 : device->transport->config": "device->transport->config"}),
    ("field-that-is-not-there", VIRTIO, "virtio_config", {
        "if (fields[i].feature == 0 || virtio_has(device, fields[i].feature))": "if (true)"}),
    ("slot-attached-though-empty", MMIO, "virtio_mmio", {"if (mmio->device.type == 0)": "if (false)"}),
    ("any-version-will-do", MMIO, "virtio_mmio", {"if (version != 1 && version != 2)": "if (version == 0)"}),
    ("configuration-in-words", MMIO, "virtio_mmio", {
        "return width == 1 ? mmio_read8(field) : width == 2 ? mmio_read16(field) : mmio_read32(field);":
        "return mmio_read32(field & ~(uintptr_t)3) >> 8 * (field & 3);"}),
    ("registers-in-bytes", MMIO, "virtio_mmio", {
        "return mmio_read32(container_of": "return mmio_read8(container_of"}),
    ("write-only-register-read", MMIO, "virtio_mmio", {
        "                write(device, DRIVER_FEATURES, (uint32_t)(features >> 32 * half));\n": """
                write(device, DRIVER_FEATURES, (uint32_t)(features >> 32 * half) | read(device, DRIVER_FEATURES));
"""}),
    ("features-without-their-selector", MMIO, "virtio_mmio", {
        "                write(device, DEVICE_FEATURES_SEL, half);\n": ""}),
    ("high-features-left-out", MMIO, "virtio_mmio", {
        "half < (device->legacy ? 1 : 2); half++) {\n                write(device, DRIVER_FEATURES_SEL":
        "half < 1; half++) {\n                write(device, DRIVER_FEATURES_SEL"}),
    ("queue-taken-though-in-use", MMIO, "virtio_mmio", {
        "if (read(device, device->legacy ? LEGACY_QUEUE_PFN : QUEUE_READY) != 0)":
        "if (read(device, device->legacy ? LEGACY_QUEUE_PFN : QUEUE_READY) == 77)"}),
    ("queue-live-before-it-is-described", MMIO, "virtio_mmio", {
        "                write(device, QUEUE_READY, 1);\n": "",
        "                write_address(device, QUEUE_DESC_LOW": """
                write(device, QUEUE_READY, 1);
                write_address(device, QUEUE_DESC_LOW"""}),
    ("high-half-of-an-address-left-out", MMIO, "virtio_mmio", {"        write(device, low + 4,": "        if (false) write(device, low + 4,"}),
    ("legacy-frame-cut-off", MMIO, "virtio_mmio", {"if (device->legacy && frame != (uint32_t)frame)": "if (false)"}),
    ("legacy-page-size-left-out", MMIO, "virtio_mmio", {
        "                write(device, LEGACY_GUEST_PAGE_SIZE, PAGE_SIZE);\n": "                ;\n"}),
    ("larger-configuration-refused", MMIO, "virtio_mmio", {"node->reg.size < CONFIG": "node->reg.size != CONFIG + 64"}),
    ("undefined-interrupts-acknowledged", MMIO, "virtio_mmio", {
        "        status &= INTERRUPT_USED_BUFFER | INTERRUPT_CONFIG_CHANGE;": "       "}),
    ("ack-after-drain", MMIO, "virtio_mmio", {
        "        acknowledge(device, status, traced);\n        return used_buffers(device);\n": """
        bool any = used_buffers(device);

        acknowledge(device, status, traced);
        return any;
"""}),
    ("ack-left-out", MMIO, "virtio_mmio", {"        write(device, INTERRUPT_ACK, status);\n": ""}),
    ("ack-without-a-barrier", MMIO, "virtio_mmio", {"        acknowledge_before_look();\n": ""}),
    ("spurious-interrupt-acknowledged", MMIO, "virtio_mmio", {"        if (status == 0)\n": "        if (false)\n"}),
    ("config-change-hides-used-buffers", MMIO, "virtio_mmio", {
        "return ((status & INTERRUPT_USED_BUFFER) != 0 && used_buffers(device)) || news;": "return news;"}),
    ("config-change-is-never-news", MMIO, "virtio_mmio", {"used_buffers(device)) || news;": "used_buffers(device));"}),
]
