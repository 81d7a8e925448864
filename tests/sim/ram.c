/* SPDX-License-Identifier: MIT */
/* ram.c - two areas of memory, a buffer of stores on their way, and loans. */
#include "ram.h"

#include <string.h>
#include <sys/mman.h>

#include "choice.h"
#include "memory.h"
#include "sim.h"
#include "trace.h"
#include "util.h"
#include "world.h"

#ifndef __has_feature /* clang's way to say what gcc says with __SANITIZE_ADDRESS__ */
#define __has_feature(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define POISON(place, bytes) __asan_poison_memory_region(place, bytes)
#define UNPOISON(place, bytes) __asan_unpoison_memory_region(place, bytes)
#else
#define POISON(place, bytes) ((void)(place), (void)(bytes))
#define UNPOISON(place, bytes) ((void)(place), (void)(bytes))
#endif

enum { BASE = 0x20000000, AREA = 1 << 21, REDZONE = 64, STORES_MAX = 64, LOANS_MAX = 64 };

/* The driver's memory, the tasks', and the driver's as a device sees it: one behind the other. */
static uint8_t *driver, *tasks, *seen;
static size_t driver_used, tasks_used;
static bool weak;

struct store {
        size_t at;
        uint64_t value;
        uint8_t size;
        uint32_t epoch; /* of stores that a fence is not between */
};

static struct store stores[STORES_MAX], late[STORES_MAX];
static unsigned store_count, late_count;
static uint32_t epoch;

static struct loan {
        uintptr_t address;
        size_t bytes;
        uint64_t number;
        bool writes;
} loans[LOANS_MAX];
static uint64_t loan_number;

static void map(void)
{
        void *at = mmap((void *)(uintptr_t)BASE, 3 * (size_t)AREA, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

        if (at != (void *)(uintptr_t)BASE)
                host_fail("the simulator's place in memory is taken");
        driver = at;
        tasks = driver + AREA;
        seen = tasks + AREA;
}

void ram_reset(bool new_weak)
{
        if (!driver)
                map();
        UNPOISON(driver, 3 * (size_t)AREA);
        memset(driver, 0xa5, driver_used);
        memset(seen, 0xa5, driver_used);
        memset(tasks, 0xa5, tasks_used);
        POISON(driver, 2 * (size_t)AREA);
        driver_used = tasks_used = 0;
        store_count = late_count = 0;
        epoch = 0;
        weak = new_weak;
        memset(loans, 0, sizeof loans);
}

static void *allocate(uint8_t *area, size_t *used, size_t bytes, size_t alignment)
{
        size_t at = ALIGN_UP(*used, alignment);

        if (at + bytes + REDZONE > AREA)
                host_fail("the simulated memory is full");
        *used = at + bytes + REDZONE;
        UNPOISON(area + at, bytes);
        return memset(area + at, 0, bytes);
}

/* At boot alone, as nothing is ever given back: a kernel that allocated for a reset would come to its end. */
void *memory_allocate(size_t bytes, size_t alignment)
{
        if (world.live)
                host_fail("the kernel allocates memory after its boot");
        return allocate(driver, &driver_used, bytes, alignment < 8 ? 8 : alignment);
}

void *ram_for_task(size_t bytes) { return allocate(tasks, &tasks_used, bytes, JOB_ALIGN); }

/* The hart's stores ------------------------------------------------------------------------------- */

static void show(unsigned index)
{
        memcpy(seen + stores[index].at, &stores[index].value, stores[index].size);
        memmove(&stores[index], &stores[index + 1], (--store_count - index) * sizeof stores[0]);
}

void ram_drain(void)
{
        while (store_count > 0)
                show(0);
}

/* Of those that no fence keeps back, one; but two to the same place stay in order. */
static void show_any(void)
{
        unsigned free = 1, index;

        while (free < store_count && stores[free].epoch == stores[0].epoch)
                free++;
        index = choose(free);
        for (unsigned i = index; i-- > 0;)
                if (stores[i].at == stores[index].at)
                        index = i;
        show(index);
}

void ram_settle(void)
{
        if (store_count == 0)
                return;
        switch (choose(8)) {
        case 0: ram_drain(); break;
        case 1:
        case 2:
        case 3: show_any(); break;
        default: break;
        }
}

void ram_stored(const volatile void *place, size_t size)
{
        size_t at = (size_t)((uintptr_t)place - (uintptr_t)driver);
        uint64_t value = 0;

        if (at + size > driver_used)
                host_fail("a store for a device, outside of the driver's memory");
        memcpy(&value, driver + at, size);
        trace("store", at, value);
        if (!weak || store_count == STORES_MAX)
                ram_drain();
        stores[store_count++] = (struct store){ .at = at, .value = value, .size = (uint8_t)size, .epoch = epoch };
        if (!weak)
                ram_drain();
}

void ram_fence(enum host_fence fence)
{
        switch (fence) {
        case HOST_FENCE_ENTRY_BEFORE_INDEX: epoch++; break;
        case HOST_FENCE_INDEX_BEFORE_EVENT: ram_drain(); break;
        case HOST_FENCE_INDEX_BEFORE_ELEMENT: ram_arrive(); break;
        case HOST_FENCE_ACKNOWLEDGE_BEFORE_LOOK: world_acknowledge(); break;
        }
}

/* A device's -------------------------------------------------------------------------------------- */

const void *ram_seen(uint64_t address, size_t bytes, size_t alignment)
{
        uint64_t at = address - (uintptr_t)driver;

        if (at >= driver_used || bytes > driver_used - at || address % alignment != 0)
                host_fail("a device is sent to 0x%llx, which is no memory of the driver's", (unsigned long long)address);
        return seen + at;
}

void ram_sync(uint64_t address, size_t bytes)
{
        ram_seen(address, bytes, 1);
        memcpy(seen + (address - (uintptr_t)driver), (void *)(uintptr_t)address, bytes);
}

void ram_store(const volatile void *place, uint64_t value, size_t size, bool is_late)
{
        struct store store = { .at = (size_t)((uintptr_t)place - (uintptr_t)driver), .value = value, .size = (uint8_t)size };

        memcpy(seen + store.at, &value, size);
        if (late_count == STORES_MAX)
                ram_arrive();
        if (is_late && weak)
                late[late_count++] = store;
        else
                memcpy(driver + store.at, &value, size);
}

void ram_scribble(uint64_t address, size_t bytes)
{
        ram_seen(address, bytes, 1);
        memset((void *)(uintptr_t)address, (int)choose(256), bytes);
}

void ram_arrive(void)
{
        for (unsigned i = 0; i < late_count; i++)
                memcpy(driver + late[i].at, &late[i].value, late[i].size);
        late_count = 0;
}

/* Loans ------------------------------------------------------------------------------------------- */

void ram_lend(void *address, size_t bytes, bool writes)
{
        unsigned i = 0;

        while (i < LOANS_MAX && loans[i].bytes != 0)
                i++;
        if (i == LOANS_MAX)
                host_fail("the simulator knows no more loans");
        loans[i] = (struct loan){ (uintptr_t)address, bytes, ++loan_number, writes };
        POISON(address, bytes);
}

void ram_take_back(void *address)
{
        for (unsigned i = 0; i < LOANS_MAX; i++) {
                if (loans[i].bytes == 0 || loans[i].address != (uintptr_t)address)
                        continue;
                UNPOISON(address, loans[i].bytes);
                world_check_taken_back(loans[i].number);
                loans[i].bytes = 0;
                return;
        }
}

uint64_t ram_loan(uint64_t address, size_t bytes, bool writes)
{
        for (unsigned i = 0; i < LOANS_MAX; i++)
                if (loans[i].bytes != 0 && address - loans[i].address < loans[i].bytes &&
                    bytes <= loans[i].bytes - (address - loans[i].address) && (!writes || loans[i].writes))
                        return loans[i].number;
        host_fail("a device has a buffer at +0x%llx that nobody has lent it", (unsigned long long)(address - BASE));
}

void ram_unlock(void *buffer, size_t bytes) { UNPOISON(buffer, bytes); }

void ram_lock(void *buffer, size_t bytes) { POISON(buffer, bytes); }
