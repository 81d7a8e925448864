/* SPDX-License-Identifier: MIT */
/*
 * main.c - worlds from the command line.
 *
 *      sim [--log] [--hash] [--world W] [--faults F,F...] OPERATIONS FIRST [COUNT]
 *
 * A line `seed N` comes before each world, so that whoever reads them knows in which one the process died.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

static uint32_t parse_faults(char *text)
{
        uint32_t faults = 0;

        for (char *word = strtok(text, ","); word; word = strtok(NULL, ",")) {
                unsigned fault = 0;

                while (fault < SIM_FAULTS && strcmp(sim_fault_name(fault), word) != 0)
                        fault++;
                if (fault == SIM_FAULTS) {
                        fprintf(stderr, "there is no fault \"%s\"; there are:", word);
                        for (fault = 0; fault < SIM_FAULTS; fault++)
                                fprintf(stderr, " %s", sim_fault_name(fault));
                        fprintf(stderr, "\n");
                        exit(2);
                }
                faults |= 1u << fault;
        }
        return faults;
}

static struct sim_counters total;

static void add(const struct sim_counters *counters)
{
#define ADD(name) total.name += counters->name;
        SIM_COUNTERS(ADD)
}

static void print_total(void)
{
        printf("counters");
#define PRINT(name) printf(" " #name "=%llu", (unsigned long long)total.name);
        SIM_COUNTERS(PRINT)
        printf("\n");
}

static int run(struct sim_options *options, uint64_t count, bool log, bool hash)
{
        struct sim_report report;

        for (; count > 0; count--, options->seed++) {
                printf("seed %llu\n", (unsigned long long)options->seed);
                fflush(stdout);
                if (!sim_run(options, &report) || log)
                        sim_print_log();
                if (log || hash)
                        printf("hash %016llx\n", (unsigned long long)report.hash);
                add(&report.counters);
                if (report.failed) {
                        printf("failed: %s\n", report.words);
                        return 1;
                }
        }
        print_total();
        return 0;
}

int main(int count, char **words)
{
        struct sim_options options = { .world = NULL };
        bool log = false, hash = false;
        int i = 1;

        for (; i < count && strncmp(words[i], "--", 2) == 0; i++) {
                if (strcmp(words[i], "--log") == 0)
                        log = true;
                else if (strcmp(words[i], "--hash") == 0)
                        hash = true;
                else if (strcmp(words[i], "--world") == 0 && i + 1 < count)
                        options.world = words[++i];
                else if (strcmp(words[i], "--faults") == 0 && i + 1 < count)
                        options.faults = parse_faults(words[++i]);
        }
        if (count - i < 2 || count - i > 3) {
                fprintf(stderr, "usage: sim [--log] [--hash] [--world W] [--faults F,...] OPERATIONS FIRST [COUNT]\n");
                return 2;
        }
        options.operations = (uint32_t)strtoul(words[i], NULL, 0);
        options.seed = strtoull(words[i + 1], NULL, 0);
        return run(&options, count - i == 3 ? strtoull(words[i + 2], NULL, 0) : 1, log, hash);
}
