# SPDX-License-Identifier: MIT
#
# Squall's build; `make help` says what there is to ask for. The lines with two
# number signs are that help, and the variables they name are the ones accepted.

## JOB=demo               the job to run: demo probe fill verify rw bench
##                        idle rng selftest tasks bench-executor monitor panic
## APPEND=                more boot arguments, such as APPEND="bs=64k iodepth=8"
## DISK=build/disk.img    the disk's raw image (made, 16 MiB, when missing); or none
## SMP=1                  harts
## MEM=128M               memory
## TRANSPORT=modern       virtio-mmio version: modern or legacy
## QEMU_EXTRA=            more arguments for QEMU
## TIMEOUT=               seconds before a run counts as a hang, 0 for no limit;
##                        without a value 300, and no limit at a terminal
## T=                     which tests, by a part of the name: T=reject, T=qemu/demo;
##                        for fuzz, how many seconds each target has: T=600
## SEED=1                 the world that `make sim` simulates, `make soak` begins with
## OPS=1000               operations in it
## WORLD=                 legacy, split or packed; else drawn from the seed
## FAULTS=                what goes wrong in it: FAULTS=loss,power
## LINES=1                0 leaves out the table that gives a panic its file:line
## O=build                the folder for everything that is made
## V=0                    1 shows full commands, and the firmware's banner
## CROSS_COMPILE=         tool prefix, such as riscv64-linux-gnu-
## TOOLPREFIX=            the same by another name
## LLVM=0                 1 builds with clang, and lld where there is one
## LIBFDT_SRC=            libfdt sources to use instead of those `make deps` keeps

JOB           ?=
APPEND        ?=
O             ?= build
DISK          ?= $(O)/disk.img
SMP           ?= 1
MEM           ?= 128M
TRANSPORT     ?= modern
QEMU_EXTRA    ?=
TIMEOUT       ?=
T             ?=
SEED          ?= 1
OPS           ?= 1000
WORLD         ?=
FAULTS        ?=
V             ?= 0
TOOLPREFIX    ?=
CROSS_COMPILE ?= $(TOOLPREFIX)
LLVM          ?= 0
LIBFDT_SRC    ?=

# A terminal's height has the same name in the environment.
ifneq ($(origin LINES),command line)
LINES := 1
endif

# What the kernel is made of ------------------------------------------------

KERNEL := entry.S trap.S main.c trap.c irq.c devicetree.c machine.c args.c \
          memory.c vm.c printk.c console.c string.c panic.c symbols.c sbi.c power.c trace.c \
          executor.c future.c timer.c watchdog.c combinators.c wait_queue.c mutex.c \
          semaphore.c event.c wait_group.c channel.c block.c block_check.c block_device.c \
          block_pieces.c block_recovery.c driver.c drivers.c

JOBS := jobs.c record.c sweep.c demo.c probe.c fill.c verify.c idle.c \
        traffic.c rw.c histogram.c bench.c rng.c selftest.c tasks.c bench_executor.c monitor.c line_editor.c hexdump.c fetch.c load.c trace_dump.c panic.c

DRIVERS := uart16550.c sifive_test.c plic.c \
           virtio.c virtio_mmio.c virtqueue.c virtqueue_split.c virtqueue_packed.c \
           virtio_blk.c virtio_blk_setup.c virtio_rng.c ramdisk.c

LIBFDT_FILES := fdt.c fdt_ro.c

SOURCES := $(KERNEL:%=kernel/%) $(JOBS:%=kernel/jobs/%) $(DRIVERS:%=drivers/%)
OBJECTS := $(SOURCES:%=$(O)/%.o) $(LIBFDT_FILES:%=$(O)/libfdt/%.o)
ELF     := $(O)/squall.elf

# How it is compiled --------------------------------------------------------

# scripts/toolchain finds the tools and adds what depends on them (ARCH_FLAGS).
LANGUAGE := -std=gnu11 -O2 -g -ffreestanding -fno-common -fno-pic \
            -mcmodel=medany -mabi=lp64 -ffunction-sections -fdata-sections \
            -fno-stack-protector -fno-asynchronous-unwind-tables

# A backtrace follows the frame pointers.
LANGUAGE += -fno-omit-frame-pointer

WARNINGS := -Wall -Wextra -Werror -Wundef -Wshadow -Wpointer-arith -Wcast-align \
            -Wcast-qual -Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes \
            -Wmissing-declarations -Wold-style-definition -Wimplicit-fallthrough \
            -Wframe-larger-than=512 -Wvla -Wdouble-promotion -Wformat=2 \
            -Wnull-dereference -Wredundant-decls -Wnested-externs

# Each of these only one of the compilers has, or only its newer versions.
OPTIONAL := -Wjump-misses-init -Wmaybe-uninitialized -Wlogical-op \
            -Wduplicated-cond -Wconditional-uninitialized

# Or gcc makes the constants of a loop before it, though a coroutine leaves in its middle;
# and makes a future on the stack that it then copies to its place.
FOR_CORO := -fno-move-loop-invariants \
            --param=sra-max-scalarization-size-Ospeed=256 --param=sra-max-scalarization-size-Osize=256

# Or gcc sees a memset in memset's own loop, and calls it.
FOR_STRING := -fno-tree-loop-distribute-patterns

# The image is the same wherever the sources, libfdt and the objects are. For an
# assembly file the two compilers each need to be told in their own way.
FOR_AS      := -Wa,--debug-prefix-map=x=. -fdebug-compilation-dir=.
RELOCATABLE  = -ffile-prefix-map=$(call quote,$(CURDIR))=. -ffile-prefix-map=$(LIBFDT)=libfdt
ASFLAGS      = $(CFLAGS) $(patsubst %=x=.,%=$(call quote,$(CURDIR))=.,$(filter $(FOR_AS),$(KNOWN_FLAGS)))

BASE     = $(ARCH_FLAGS) $(LANGUAGE) $(RELOCATABLE)
INCLUDES = -Iinclude -Iinclude/riscv -isystem include/libc -isystem $(LIBFDT)
CFLAGS   = $(BASE) $(WARNINGS) $(filter $(OPTIONAL),$(KNOWN_FLAGS)) $(INCLUDES)
LDFLAGS  = -static -nostdlib --gc-sections --build-id=sha1 --fatal-warnings \
           -z max-page-size=4096 $(KNOWN_LDFLAGS)

# What runs once, at boot or in a panic, is made small; what runs for each request, fast.
COLD := args block_check block_device block_pieces block_recovery devicetree driver machine main memory panic printk vm jobs/demo jobs/jobs \
        jobs/fetch jobs/hexdump jobs/line_editor jobs/load jobs/monitor jobs/probe jobs/rng jobs/rw jobs/selftest \
        jobs/tasks jobs/trace_dump symbols trap watchdog

$(COLD:%=$(O)/kernel/%.c.o): CFLAGS += -Os

# What runs for each request sets up no frame, but leaves the frame pointer alone:
# a backtrace passes over it, and finds what called it.
HOT := kernel/string kernel/trace kernel/irq drivers/plic drivers/virtio_mmio kernel/executor kernel/future kernel/timer kernel/wait_queue kernel/mutex kernel/semaphore \
       kernel/channel kernel/block drivers/virtqueue drivers/virtqueue_split drivers/virtqueue_packed \
       drivers/virtio_blk kernel/jobs/sweep kernel/jobs/tasks kernel/jobs/load kernel/jobs/bench \
       kernel/jobs/bench_executor

$(HOT:%=$(O)/%.c.o): CFLAGS += -fomit-frame-pointer -ffixed-x8

# What a coroutine keeps on the stack is lost at its next AWAIT: there is never much.
$(O)/kernel/jobs/%.o: CFLAGS += -Wframe-larger-than=256
$(JOBS:%=$(O)/kernel/jobs/%.o): CFLAGS += $(filter $(FOR_CORO),$(KNOWN_FLAGS))

$(O)/kernel/string.c.o: CFLAGS += $(filter $(FOR_STRING),$(KNOWN_FLAGS))
$(O)/libfdt/%.o:        CFLAGS  = $(BASE) -w $(INCLUDES)

# What was asked for --------------------------------------------------------

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all
.PHONY: all qemu trace test bench book coverage nightly sim soak fuzz deps debug gdb lint sizes help clean FORCE

quote  = '$(subst ','\'',$1)'
given := $(foreach v,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $v))),$v))

ifneq ($(given),)
known   := $(shell sed -n 's/^\#\# \([A-Z_]*\)=.*/\1/p' Makefile)
nearest  = $(shell python3 -c 'import difflib, sys; \
             print(*difflib.get_close_matches(sys.argv[1].upper(), sys.argv[2:], 1, 0.6))' \
             $(call quote,$1) $(known) 2>/dev/null)
hint     = $(if $1,did you mean $1?,known are: $(known))
$(foreach v,$(filter-out $(known),$(given)),\
  $(error there is no variable '$v'; $(call hint,$(call nearest,$v))))
endif

# $(call check,name,pattern,what it must be)
matches = $(shell printf '%s\n' $(call quote,$1) | grep -Exq '$2' && echo yes)
check   = $(if $(call matches,$($1),$2),,$(error $1=$($1) is not $3))

$(call check,TRANSPORT,modern|legacy,modern or legacy)
$(call check,SMP,[1-9][0-9]*,a number of harts)
$(call check,MEM,[1-9][0-9]*[kKmMgG]?,an amount of memory such as 128M)
$(call check,TIMEOUT,[0-9]*,a number of seconds)
$(call check,DISK,.+,a file or none)
$(call check,SEED,[0-9]+,a number)
$(call check,OPS,[0-9]+,a number)
$(call check,WORLD,(legacy|split|packed)?,legacy or split or packed)
$(call check,V,[01]?,0 or 1)
$(call check,LLVM,[01]?,0 or 1)
$(call check,LINES,[01],0 or 1)
$(call check,O,[^[:space:]:#%$$]+,a folder name that make can handle)
$(call check,LIBFDT_SRC,[^[:space:]:#%$$]*,a folder name that make can handle)

Q   := $(if $(filter 1,$(V)),,@)
say  = @$(if $(Q),printf '  %-7s %s\n' $1 $2,:)

# Which tools there are -----------------------------------------------------

# make builds a missing or outdated makefile that it includes, then starts over:
# so the tools are looked for after `deps`, and only for a goal that needs them.
# An empty one to begin with spares the user a second complaint when one is missing.
ifneq ($(filter-out deps help clean lint gdb sim soak,$(or $(MAKECMDGOALS),all)),)
$(if $(wildcard $(O)/toolchain.mk),,$(shell mkdir -p $(O) && : >$(O)/toolchain.mk))
include $(O)/toolchain.mk
endif

$(O)/toolchain.mk: FORCE
	@CROSS_COMPILE='$(CROSS_COMPILE)' LLVM='$(LLVM)' LIBFDT_SRC='$(LIBFDT_SRC)' \
	  scripts/toolchain $@ $(OPTIONAL) $(FOR_STRING) $(FOR_CORO) $(FOR_AS)

# deps and clean come before whatever is asked for with them, also under -j.
first := $(filter deps clean,$(MAKECMDGOALS))
ifneq ($(first),)
$(filter-out $(first),$(MAKECMDGOALS)) $(O)/toolchain.mk: | $(first)
endif

# Everything is made again when what it would be made with changes.
ifdef TOOL_VERSIONS
settings := $(strip $(TOOL_VERSIONS) $(CC) $(ASFLAGS) $(LD) $(LDFLAGS) $(OBJECTS) LINES=$(LINES))
ifneq ($(settings),$(file <$(O)/settings))
$(file >$(O)/settings,$(settings))
endif
endif

# Making it -----------------------------------------------------------------

all: $(ELF) ## build the kernel (the default)

$(O)/%.c.o: %.c $(O)/settings Makefile
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(O)/%.S.o: %.S $(O)/settings Makefile
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ASFLAGS) -MMD -MP -c -o $@ $<

$(O)/libfdt/%.c.o: $(LIBFDT)/%.c $(O)/settings Makefile
	$(call say,CC,libfdt/$*.c)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(O)/%.s.o: $(O)/%.s
	$(Q)$(CC) $(ARCH_FLAGS) -mabi=lp64 -c -o $@ $<

# A panic names functions from a table in the image itself. Linking is done
# twice: the table comes behind the text, so filling it does not move a function.
LINK = $(LD) $(LDFLAGS) -T linker.ld -Map=$(@:.elf=.map) -o $@ $(filter %.o,$^)

$(O)/nosymbols.s: scripts/symbols $(O)/settings
	$(Q)scripts/symbols >$@

$(O)/pass1.elf: $(OBJECTS) $(O)/nosymbols.s.o linker.ld
	$(Q)$(LINK)

$(O)/symbols.s: $(O)/pass1.elf scripts/symbols $(O)/settings
	$(Q)$(NM) -n $< >$(O)/pass1.nm
	$(Q)scripts/symbols $(O)/pass1.nm $(if $(filter 1,$(LINES)),$(ADDR2LINE) $<) >$@

$(ELF): $(OBJECTS) $(O)/symbols.s.o linker.ld scripts/check_image
	$(call say,LD,$@)
	$(Q)$(LINK)
	$(Q)scripts/check_image $(O)/pass1.elf $@

# The hand-written loop that `make bench` holds the kernel against, one for each depth.
LIMITS := $(patsubst %,$(O)/limit-%.elf,1 2 4 8 16 32 64 128 256)

$(O)/limit-%.elf: tests/limit/limit.c tests/limit/limit.ld $(O)/settings
	$(call say,CC,$<)
	$(Q)$(CC) $(CFLAGS) -fomit-frame-pointer -DDEPTH=$* -c -o $(@:.elf=.o) $<
	$(Q)$(LD) $(LDFLAGS) -T tests/limit/limit.ld -o $@ $(@:.elf=.o)

# Kept, so that nothing is made again that need not be.
.SECONDARY:

-include $(OBJECTS:.o=.d)

# Running it ----------------------------------------------------------------

# Quoted by the shell and not by make, since they may hold spaces.
export JOB APPEND DISK LIBFDT

RUN_ARGUMENTS = --kernel $(ELF) --disk "$$DISK" --transport $(TRANSPORT) \
        --smp $(SMP) --mem $(MEM) --append "$${JOB:+job=$$JOB$${APPEND:+ }}$$APPEND" \
        $(TIMEOUT:%=--timeout %) $(if $(Q),,--firmware-banner)

RUN = scripts/qemu $(RUN_ARGUMENTS)

define MAKE_DISK
@[ "$$DISK" = none ] || [ -e "$$DISK" ] || truncate -s 16M "$$DISK" || \
  { echo "squall: DISK=$$DISK cannot be made: name a file in a folder that is there, and may be written" >&2; exit 1; }
endef

qemu: all ## boot JOB in QEMU (Ctrl-A x or Ctrl-C quits)
	$(MAKE_DISK)
	$(Q)$(RUN) -- $(QEMU_EXTRA)

trace: all ## boot JOB and record it; draw build/trace.html, .svg, and .json for Perfetto and speedscope
	$(MAKE_DISK)
	$(Q)scripts/trace $(O) $(RUN_ARGUMENTS) -- $(QEMU_EXTRA)

# A socket, for a port could be another user's.
GDB_SOCKET := $(O)/gdb.sock

debug: all ## boot JOB, stopped at the first instruction, for `make gdb`
	@! test -S $(GDB_SOCKET) || { echo 'make debug runs already, or was killed: end it, or remove $(GDB_SOCKET)' >&2; exit 1; }
	$(MAKE_DISK)
	@echo 'waiting: now run "make gdb O=$(O)" in another terminal'
	$(Q)trap 'rm -f $(GDB_SOCKET)' EXIT; \
	  $(RUN) -- -S -chardev socket,id=gdb,server=on,wait=off,path=$(GDB_SOCKET) \
	  -gdb chardev:gdb $(QEMU_EXTRA)

gdb: ## attach a debugger to `make debug`
	$(Q)scripts/gdb $(ELF) $(GDB_SOCKET)

test: all ## run every test; the last line counts them
	$(Q)tests/run $(T)

bench: all $(LIMITS) ## measure what tasks and disk requests cost; write docs/costs.md and docs/bench.md
	$(Q)scripts/costs $(ELF) --write
	$(Q)scripts/bench $(ELF) $(O)

book: all ## fill in what docs/book shows of the kernel
	$(Q)scripts/book $(ELF)

coverage: ## count what the host tests run of the kernel; write docs/coverage.md
	$(Q)tests/coverage/suite --write

nightly: all ## everything at full size, which takes hours; T= names the stages
	$(Q)tests/nightly $(T)

sim: ## simulate one world again: SEED, OPS, WORLD, FAULTS; docs/simulator.md
	$(Q)tests/sim/run --replay --first $(SEED) --ops $(OPS) $(WORLD:%=--world %) --faults '$(FAULTS)'

soak: ## simulate worlds until stopped, or until one fails
	$(Q)tests/sim/run --soak --first $(SEED) --ops $(OPS)

fuzz: ## search for inputs that break the kernel's sources on the host, T seconds (60) a target
	$(Q)tests/fuzz/run $(T)

lint: ## check layering, coroutines, the line budget and the scripts
	$(Q)scripts/lint

sizes: all ## show what each file adds to the image, against the budget
	$(Q)scripts/check_image --sizes $(O)/squall.map $(O)/pass1.elf $(ELF)

deps: ## install what is missing; the only target that uses the network
	$(Q)$(if $(MAKE_RESTARTS),:,LIBFDT_SRC='$(LIBFDT_SRC)' scripts/deps $(if $(filter test,$(MAKECMDGOALS)),--tests))

compile_commands.json: $(O)/settings ## describe the build to an editor
	$(call say,JSON,$@)
	$(file >$@,[$(subst } {,}$(comma){,$(foreach s,$(filter %.c,$(SOURCES)),$(call entry,$s)))])

comma := ,
json   = "$(subst ",\",$(subst \,\\,$1))"
entry  = {"directory": $(call json,$(CURDIR)), "file": "$1", "command": $(call json,$(CC) $(CFLAGS) -c $1)}

help: ## show this
	@echo 'Targets:'
	@sed -n 's/^\([a-z_.]*\):.*\#\# \(.*\)/\1|\2/p' Makefile | \
	  while IFS='|' read -r name text; do printf '  %-23s %s\n' "$$name" "$$text"; done
	@echo 'Variables, with their defaults:'
	@sed -n 's/^\#\# /  /p' Makefile

clean: ## remove everything that was made
	$(Q)$(if $(MAKE_RESTARTS),:,rm -rf $(O) compile_commands.json)
