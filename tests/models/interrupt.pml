/* SPDX-License-Identifier: MIT */
/*
 * interrupt.pml - no interrupt is lost on its way from a device to its driver: claim, acknowledge, look, complete.
 *
 * Each device uses buffers and changes its configuration whenever it likes, and holds its line up while its
 * InterruptStatus is not 0. Which of two PLICs it is wired to is left to chance:
 *
 *      QEMU's (7.2)            a source becomes pending when its device says that the line is up, also while it is
 *                              served: QEMU's devices say so at each change of InterruptStatus; complete looks at no line
 *      the specification's     a source whose line is up becomes pending, unless it is served; complete looks at the line
 *
 * In both a source stays pending though its line goes down. A write to a device's register is on its way until the
 * device has it, which `bus` decides; only a fence waits for that. The handler runs with interrupts masked.
 *
 * It holds that when all is at rest every used buffer has been popped and every new configuration seen, and that there are
 * no more traps than reasons for one. Left out: what is done against a storm.
 *
 * kernel/irq.c: irq_dispatch
 *      claim           uint32_t source = mmio_read32(claim);
 *      handler         if (!line->handler || !line->handler(line->context))
 *      complete        mmio_write32(claim, source);
 * drivers/virtio_mmio.c: handle
 *      handler         uint32_t status = read(device, INTERRUPT_STATUS);
 *      acknowledge     acknowledge(device, status, traced);
 *      look            return used_buffers(device);
 * drivers/virtio_mmio.c: handle_other
 *      handler         if (status == 0)
 *      acknowledge     acknowledge(device, status, traced);
 *      look            news = device->config_changed(device);
 *      look            return ((status & INTERRUPT_USED_BUFFER) != 0 && used_buffers(device)) || news;
 * drivers/virtio_mmio.c: acknowledge
 *      acknowledge     write(device, INTERRUPT_ACK, status);
 *      acknowledge     acknowledge_before_look();
 * drivers/virtio_blk.c: drain
 *      drain           for (; (number = pop_used(&queue->ring, NULL)) >= 0; any = true) {
 */
#define DEVICES 2
#define BUFFERS 2               /* that each device uses; nightly: 3 */
#define CHANGES 1               /* of each one's configuration; nightly: 2 */

#define USED_BUFFER 1
#define CONFIG_CHANGE 2

bool qemu;                      /* the PLIC is QEMU's */
bool pending[DEVICES], served[DEVICES];

byte used[DEVICES], changes[DEVICES];           /* the device's, and what the driver has seen of that: */
byte popped[DEVICES], changes_seen[DEVICES];
byte interrupt_status[DEVICES];
byte on_its_way[DEVICES];                       /* a write to InterruptACK */

byte reasons, traps;
byte source, status;                            /* locals of the hart */
#define CLAIMABLE(which) (pending[which] && !served[which])

/* InterruptStatus has changed. */
inline tell_plic(which)
{
        pending[which] = pending[which] || (interrupt_status[which] != 0 && (qemu || !served[which]))
}

inline raise(which, why)
{
        d_step {
                interrupt_status[which] = interrupt_status[which] | why;
                reasons++;
                tell_plic(which)
        }
}

proctype device(byte me)
{
        do
        :: used[me] < BUFFERS -> used[me]++; raise(me, USED_BUFFER)
        :: changes[me] < CHANGES -> changes[me]++; raise(me, CONFIG_CHANGE)
        :: used[me] == BUFFERS && changes[me] == CHANGES -> break
        od
}

inline arrive(which)
{
        d_step {
                interrupt_status[which] = interrupt_status[which] & ~on_its_way[which];
                on_its_way[which] = 0;
                tell_plic(which)
        }
}

active proctype bus()
{
end:    do
        :: on_its_way[0] != 0 -> arrive(0)
        :: on_its_way[1] != 0 -> arrive(1)
        od
}

inline claim()
{
        d_step {
                source = (CLAIMABLE(0) -> 0 : 1);
                pending[source] = false;
                served[source] = true;
                traps++;
                assert(traps <= reasons)
        }
}

inline complete()
{
        d_step {
                served[source] = false;
                if
                :: !qemu -> tell_plic(source)
                :: qemu
                fi
        }
}

inline acknowledge()
{
#ifdef NEVER_ACKNOWLEDGED
        skip;
#else
#ifdef MORE_ACKNOWLEDGED_THAN_SEEN
        on_its_way[source] = USED_BUFFER | CONFIG_CHANGE;
#else
        on_its_way[source] = status;
#endif
#ifndef NO_FENCE_BEHIND_THE_ACKNOWLEDGEMENT
        on_its_way[source] == 0
#endif
#endif
}

inline drain()
{
        do
        :: popped[source] < used[source] ->
                popped[source]++;
#ifdef ONE_ONLY
                break
#endif
        :: popped[source] == used[source] -> break
        od
}

inline look()
{
        if
        :: status & CONFIG_CHANGE ->
                changes_seen[source] = changes[source];
                if
#ifdef CONFIG_CHANGE_IS_ALL
                :: true
#else
                :: status & USED_BUFFER -> drain()
                :: !(status & USED_BUFFER)
#endif
                fi
        :: !(status & CONFIG_CHANGE) -> drain()
        fi
}

inline handler()
{
        status = interrupt_status[source];
        if
        :: status != 0 ->
#ifdef ACKNOWLEDGED_AFTER_THE_LOOK
                look();
                acknowledge();
#else
                acknowledge();
                look();
#endif
#ifdef ONLY_WHAT_IS_HANDLED_IS_COMPLETED
                complete()
#endif
        :: status == 0          /* it had been served with an earlier one */
        fi
}

active proctype hart()
{
end:    do
        :: CLAIMABLE(0) || CLAIMABLE(1) ->
                claim();
                handler();
#ifndef ONLY_WHAT_IS_HANDLED_IS_COMPLETED
                complete()
#endif
        od
}

init {
        atomic {
                if
                :: qemu = true
                :: qemu = false
                fi;
                run device(0);
                run device(1)
        }
        timeout;
        assert(popped[0] == BUFFERS && popped[1] == BUFFERS);
        assert(changes_seen[0] == CHANGES && changes_seen[1] == CHANGES)
}
