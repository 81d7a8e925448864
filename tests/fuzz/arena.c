/* SPDX-License-Identifier: MIT */
/* arena.c - the kernel's allocator over a piece of low memory that the address sanitizer watches. */
#include "arena.h"

#include <sanitizer/asan_interface.h>
#include <string.h>
#include <sys/mman.h>

#include "host.h"
#include "memory.h"
#include "util.h"

enum { ARENA_SIZE = 32 << 20, BETWEEN = 64 };

static char *arena, *next;

void arena_reset(long allocations)
{
        if (!arena) {
                arena = next = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
                if (arena == MAP_FAILED)
                        host_fail("there is no low memory");
                __asan_poison_memory_region(arena, ARENA_SIZE);
        }
        __asan_poison_memory_region(arena, (size_t)(next - arena));
        next = arena;
        host.allocations_left = allocations;
}

bool arena_holds(uint64_t address, size_t bytes)
{
        return address >= (uintptr_t)arena && address - (uintptr_t)arena < ARENA_SIZE && bytes < ARENA_SIZE &&
               !__asan_region_is_poisoned((void *)(uintptr_t)address, bytes);
}

void *memory_allocate(size_t bytes, size_t alignment)
{
        char *start = (char *)ALIGN_UP((uintptr_t)next + BETWEEN, alignment < 8 ? 8 : alignment);

        if (host.allocations_left == 0 || bytes > (size_t)(arena + ARENA_SIZE - start))
                return NULL;
        if (host.allocations_left > 0)
                host.allocations_left--;
        next = start + bytes + BETWEEN;
        __asan_unpoison_memory_region(start, bytes);
        return memset(start, 0, bytes);
}
