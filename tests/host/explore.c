/* SPDX-License-Identifier: MIT */
/* explore.c - every run of a scenario that differs in when the devices act. */
#include "explore.h"

#include "step.h"

static uint64_t runs, points_max;

static uint64_t run_once(const struct run *run)
{
        scenario_run(run);
        runs++;
        if (outcome.points > points_max)
                points_max = outcome.points;
        return outcome.points;
}

/* The device acts once, at each point in turn. A run may be longer than the one before: it ends where none is reached. */
static void at_every_point(struct run run)
{
        run.second = 0;
        for (run.first = 1; run_once(&run) >= run.first; run.first++)
                ;
}

/* And twice: at every two points. */
static void at_every_two_points(struct run run)
{
        uint64_t points;

        for (run.first = 1;; run.first++) {
                run.second = run.first + 1;
                do
                        points = run_once(&run);
                while (points >= run.second++);
                if (points < run.first)
                        return;
        }
}

/* It acts once, between two instructions: behind each point, as long as there is one more before the next. */
static void at_every_instruction(struct run run)
{
        uint64_t points;

        for (run.first = 1;; run.first++) {
                run.second = 0;
                do {
                        run.second++;
                        points = run_once(&run);
                } while (step_happened());
                if (points < run.first)
                        return;
        }
}

static void for_every_device(const struct scenario *scenario, enum run_mode mode, unsigned from, unsigned to,
                             void (*each)(struct run run))
{
        struct run run = { .scenario = scenario, .mode = mode };

        runs = points_max = 0;
        for (unsigned kind = from; kind < to; kind++) {
                run.options = scenario_device(kind);
                each(run);
        }
        printf("# %s, %s: %lu points, %lu runs\n", scenario->name, scenario_modes[mode], (unsigned long)points_max,
               (unsigned long)runs);
}

void explore_each_point(void **state)
{
        for_every_device(*state, RUN_STEP, 0, DEVICE_KINDS, at_every_point);
        for_every_device(*state, RUN_SPURIOUS, 0, DEVICE_KINDS, at_every_point);
}

/* Kinds that differ in the order or number of completions are the same to so few requests. */
void explore_each_two_points(void **state)
{
        for_every_device(*state, RUN_STEP, 0, 4, at_every_two_points);
        for_every_device(*state, RUN_LATE, 0, 4, at_every_two_points);
}

void explore_each_instruction(void **state)
{
        if (!step_available())
                skip();
        for_every_device(*state, RUN_STEPPED, 3, 4, at_every_instruction);
}
