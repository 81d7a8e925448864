# SPDX-License-Identifier: MIT
"""The block device of vhost_user.py while it is honest: what the kernel asks of it, and that it finds no fault with that."""
import os

import disk
import record
from hostile_boot import check_memory, with_memory
from machine import KERNEL, Machine
from tap import expect, expect_equal, test
from test_selftest import check_ktap
from vhost_user import Backend

SIZE = 64 * disk.KIB


def run_on(t, append, transport="modern", device=""):
    ram, options = with_memory()
    backend = Backend(t.path("socket"), SIZE)
    with backend, Machine(t, append, disks=[backend.disk(device)], transport=transport, **options) as machine:
        run = machine.wait()
    run.check(0)
    check_memory(ram, KERNEL)
    expect_equal("faults of the driver", backend.faults, [])
    os.remove(t.path("socket"))
    return run, backend


@test("vhost-user: modern")
@test("vhost-user: legacy", transport="legacy")
@test("vhost-user: modern, without indirect", device="indirect_desc=off")
@test("vhost-user: legacy, without indirect and event_idx", transport="legacy", device="indirect_desc=off,event_idx=off")
@test("vhost-user: packed", device="packed=on", ring="ring=packed")
@test("vhost-user: packed, without indirect", device="packed=on,indirect_desc=off", ring="ring=packed")
@test("vhost-user: packed, without event_idx", device="packed=on,event_idx=off", ring="ring=packed")
@test("vhost-user: 4 queues", device="num-queues=4")
def honest(t, transport="modern", device="", ring=""):
    """More requests than there are places in the ring, so that it goes round a few times."""
    run, backend = run_on(t, f"job=fill bs=512 iodepth=8 queue_size=16 fsync=10 {ring}", transport, device)
    expect_equal("ok", run.only("result")["ok"], SIZE // 512)
    expect_equal("the disk", record.first_difference(bytes(backend.content), record.filled(0, SIZE // 512)), None)
    run, backend = run_on(t, f"job=rw rw=randrw iodepth=8 number_ios=300 bs=4k {ring}", transport, device)
    expect_equal("ok", run.only("result")["ok"], 300)
    run, backend = run_on(t, f"job=selftest {ring}", transport, device)
    check_ktap(run)
    expect("vhost-user" in run.text, "its name is not told")
    expect(not any(backend.content), "what was on the disk is not put back")
