/* SPDX-License-Identifier: MIT */
/* register_rules.h - the registers of virtio-mmio, and how each may be used (virtio 1.2, 4.2.2; 4.2.4 for version 1). */
#pragma once

enum { READ = 1, WRITE = 2, LEGACY = 4, MODERN = 8, BOTH = LEGACY | MODERN, QUEUE = 16 /* of the selected queue */ };

static const struct {
        unsigned offset, rules;
} rules[] = {
        { 0x000, READ | BOTH },          { 0x004, READ | BOTH },           { 0x008, READ | BOTH },
        { 0x00c, READ | BOTH },          { 0x010, READ | BOTH },           { 0x014, WRITE | BOTH },
        { 0x020, WRITE | BOTH },         { 0x024, WRITE | BOTH },          { 0x028, WRITE | LEGACY },
        { 0x030, WRITE | BOTH },         { 0x034, READ | BOTH | QUEUE },   { 0x038, WRITE | BOTH | QUEUE },
        { 0x03c, WRITE | LEGACY | QUEUE }, { 0x040, READ | WRITE | LEGACY | QUEUE },
        { 0x044, READ | WRITE | MODERN | QUEUE }, { 0x050, WRITE | BOTH }, { 0x060, READ | BOTH },
        { 0x064, WRITE | BOTH },         { 0x070, READ | WRITE | BOTH },   { 0x080, WRITE | MODERN | QUEUE },
        { 0x084, WRITE | MODERN | QUEUE }, { 0x090, WRITE | MODERN | QUEUE }, { 0x094, WRITE | MODERN | QUEUE },
        { 0x0a0, WRITE | MODERN | QUEUE }, { 0x0a4, WRITE | MODERN | QUEUE }, { 0x0fc, READ | MODERN },
};
