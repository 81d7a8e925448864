/* SPDX-License-Identifier: MIT */
/* trees.c - fetching device trees from the generator, and reporting on them. */
#include "trees.h"

#include <errno.h>
#include <stdlib.h>

#include "testing.h"
#include "util.h"

struct tree trees[TREES_MAX];
unsigned tree_count;

static uint8_t *pieces; /* what the generator wrote; the trees point into it */

static size_t run_generator(void)
{
        static const char script[] = "trees/generate";
        char command[512];
        size_t capacity = 1 << 16, length = 0, more;
        const char *slash = strrchr(__FILE__, '/');
        FILE *pipe;

        snprintf(command, sizeof command, "%.*s%s", slash ? (int)(slash + 1 - __FILE__) : 0, __FILE__, script);
        pipe = popen(command, "r");
        if (!pipe)
                return 0;
        pieces = malloc(capacity);
        while (pieces && (more = fread(pieces + length, 1, capacity - length, pipe)) > 0) {
                length += more;
                if (length == capacity)
                        pieces = realloc(pieces, capacity *= 2);
        }
        return pclose(pipe) == 0 ? length : 0;
}

int trees_make(void **state)
{
        size_t length = run_generator();

        (void)state;
        for (size_t at = 0; at < length;) {
                struct tree *tree = &trees[tree_count++];
                char *newline = memchr(pieces + at, '\n', length - at);
                unsigned long hart, good, lines, size;
                int name;

                if (tree_count == TREES_MAX || !newline)
                        return -1;
                *newline = '\0';
                if (sscanf((char *)pieces + at, "tree %lu %lu %lu %lu %n", &hart, &good, &lines, &size, &name) != 4)
                        return -1;
                *tree = (struct tree){
                        .name = (char *)pieces + at + name, .hart = hart, .good = good != 0, .size = size
                };
                at = (size_t)(newline + 1 - (char *)pieces);
                tree->lines = strndup((char *)pieces + at, lines);
                tree->blob = pieces + at + lines;
                at += lines + size;
                if (at > length)
                        return -1;
        }
        return tree_count > 0 ? 0 : -1;
}

const struct tree *tree_named(const char *name)
{
        for (unsigned i = 0; i < tree_count; i++)
                if (strcmp(trees[i].name, name) == 0)
                        return &trees[i];
        fail_msg("there is no tree \"%s\"", name);
        return NULL;
}

void *tree_copy(const void *blob, size_t size)
{
        void *copy = NULL;

        assert_int_equal(posix_memalign(&copy, 8, size), 0);
        return memcpy(copy, blob, size);
}

void *tree_whole(const uint8_t *blob, size_t size)
{
        uint32_t says = (uint32_t)blob[4] << 24 | (uint32_t)blob[5] << 16 | (uint32_t)blob[6] << 8 | blob[7];
        size_t length = says < TREE_HEADER ? TREE_HEADER : says <= TREE_LIMIT ? says : size;
        uint8_t *copy = NULL;

        assert_int_equal(posix_memalign((void **)&copy, 8, length), 0);
        memset(copy, 0xA5, length);
        return memcpy(copy, blob, size < length ? size : length);
}

static void __attribute__((format(printf, 2, 3))) add(char *text, const char *format, ...)
{
        size_t length = strlen(text);
        va_list values;

        va_start(values, format);
        vsnprintf(text + length, TREE_REPORT_SIZE - length, format, values);
        va_end(values);
}

static void add_ranges(char *text, const char *what, const struct range *ranges, unsigned count)
{
        for (unsigned i = 0; i < count; i++)
                add(text, "%s %lx+%lx\n", what, (unsigned long)ranges[i].base, (unsigned long)ranges[i].size);
}

static void add_interrupt(char *text, const struct dt_node *node)
{
        const struct dt_node *of = NULL;
        uint32_t interrupt, controller;
        int error = dt_interrupt(node, &interrupt, &controller);
        uint64_t phandle;

        if (error == -ENOENT)
                return;
        if (error != 0) {
                add(text, " interrupt %d", error);
                return;
        }
        while ((of = dt_next(of)) != NULL)
                if (dt_number(of, "phandle", &phandle) == 0 && phandle == controller)
                        break;
        add(text, " interrupt %u of %s/%s", interrupt, of && of->parent ? of->parent->name : "", of ? of->name : "?");
}

static void add_device(char *text, const struct machine *machine, const struct dt_node *node)
{
        static const char *const plics[] = { "sifive,plic-1.0.0", "riscv,plic0" },
                                 *const others[] = { "ns16550a", "virtio,mmio", "sifive,test0" };
        bool is_plic = false, is_other = false;
        struct range range;
        int error;

        for (unsigned i = 0; i < ARRAY_SIZE(plics); i++)
                is_plic = dt_compatible(node, plics[i]) || is_plic;
        for (unsigned i = 0; i < ARRAY_SIZE(others); i++)
                is_other = dt_compatible(node, others[i]) || is_other;
        if (!is_plic && !is_other)
                return;
        error = dt_reg(node, 0, &range);
        if (error == 0)
                add(text, "%s %lx+%lx", node->name, (unsigned long)range.base, (unsigned long)range.size);
        else
                add(text, "%s %d", node->name, error);
        add_interrupt(text, node);
        if (is_plic)
                add(text, " context %d", dt_hart_context(node, machine->boot_hart));
        add(text, "\n");
}

/* Of no interest, but nothing of it may do harm. */
static void ask_everything(const struct dt_node *node)
{
        static const char *const names[] = { "reg",     "ranges",     "status", "compatible",
                                             "phandle", "interrupts", "",       "bootargs" };
        struct range range;
        uint32_t interrupt, controller;
        uint64_t value;
        int length;

        for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
                const char *text = dt_string(node, names[i]);
                const uint8_t *bytes = dt_property(node, names[i], &length);

                value = text ? strlen(text) : 0;
                dt_number(node, names[i], &value);
                for (int byte = 0; bytes && byte < length; byte++)
                        value += bytes[byte];
        }
        for (unsigned index = 0; index < 4; index++)
                dt_reg(node, index, &range);
        dt_interrupt(node, &interrupt, &controller);
        dt_enabled(node);
        dt_isa_has(node, "sstc");
        for (uint64_t hart = 0; hart < 2; hart++)
                dt_hart_context(node, hart);
        value = strlen(node->name);
}

void tree_report(const struct machine *machine, char text[TREE_REPORT_SIZE])
{
        const struct dt_node *node = NULL;

        text[0] = '\0';
        add(text, "hart %lu of %u:", (unsigned long)machine->boot_hart, machine->harts);
        for (unsigned i = 0; i < machine->harts && i < MACHINE_HARTS_MAX; i++)
                add(text, " %lu", (unsigned long)machine->hart_ids[i]);
        add(text, "%s\nclock %lu\nbootargs \"%s\"\n", machine->sstc ? "; sstc" : "",
            (unsigned long)machine->timebase, machine->bootargs);
        while ((node = dt_next(node)) != NULL)
                if (machine->stdout_path[0] != '\0' && dt_has_path(node, machine->stdout_path))
                        add(text, "stdout %s\n", node->name);
        add_ranges(text, "memory", machine->memory, machine->memory_count);
        add_ranges(text, "reserved", machine->reserved, machine->reserved_count - 1); /* the last is the tree itself */
        while ((node = dt_next(node)) != NULL) {
                add_device(text, machine, node);
                ask_everything(node);
        }
}

const char *tree_read(struct machine *machine, const void *tree, uint64_t hart, int *error)
{
        const char *newline;

        host.console_length = 0;
        host.console[0] = '\0';
        *error = machine_read(machine, tree, hart);
        newline = strchr(host.console, '\n');
        if (*error == 0)
                return newline ? "it is taken, and complained about" : NULL;
        if (*error != -EBADF)
                return "it is refused with another error";
        return strncmp(host.console, "error: device tree: ", 20) == 0 && newline && newline[1] == '\0'
                       ? NULL : "it is refused, but not in one line that says why";
}
