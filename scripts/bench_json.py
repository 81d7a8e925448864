# SPDX-License-Identifier: MIT
"""fio's form of the runs of scripts/bench: its json+, as fio 3.33 writes it, for the tools that read that.

Of the latencies least, mean and most are the bench line's, where all requests go one way. Whatever else is said of
them, standard deviations too, is made from the bins, and true to within 1 %: the largest stands for all of its bin.
"""
import json
import math
import os
import re
import shutil
import time

# fio's own, in hundredths of a percent.
PERCENTILES = [100, 500, *range(1000, 10000, 1000), 9500, 9900, 9950, 9990, 9995, 9999]

# The parts that fio divides latencies into: what is below that many of a unit, and not in the part before.
PARTS = {"latency_ns": 1, "latency_us": 1000, "latency_ms": 1000000}
BELOW = [2, 4, 10, 20, 50, 100, 250, 500, 750, 1000]


def read_bins(console):
    """{"read": {ns: count}, "write": ...}, from the bin lines of a run with bins=1."""
    bins = {"read": {}, "write": {}}
    for at, *counts in re.findall(r"^bin clat_ns=(\d+) reads=(\d+) writes=(\d+)\s*$", console, re.M):
        for counted, count in zip(bins.values(), map(int, counts)):
            if count > 0:
                counted[int(at)] = counted.get(int(at), 0) + count
    return bins


def percentiles(bins):
    """fio's: the first bin with which so many are reached."""
    total, found = sum(bins.values()), {}
    for percent in PERCENTILES:
        below = 0
        for at in sorted(bins):
            below += bins[at]
            if below * 10000 >= percent * total:
                found[f"{percent / 100:f}"] = at
                break
    return found


def latency(bins, exact=None):
    """exact: (least, mean, most), where they are known; else as the bins have them."""
    count = sum(bins.values())
    if count == 0:
        return {"min": 0, "max": 0, "mean": 0.0, "stddev": 0.0, "N": 0}
    mean = sum(at * many for at, many in bins.items()) / count
    squares = sum(many * (at - mean) ** 2 for at, many in bins.items())
    least, average, most = exact or (min(bins), mean, max(bins))
    return {"min": least, "max": most, "mean": float(average), "stddev": math.sqrt(squares / max(count - 1, 1)), "N": count}


def direction(line, bins):
    """What fio says of reads, or of writes. It counts the bytes and milliseconds, we the rate of all, as one sample."""
    count, size = sum(bins.values()), line["bs"]
    iops = line["iops"] * count / max(line["ios"], 1)
    rate, once = int(iops * size), min(count, 1)
    found = latency(bins, map(int, line["lat_ns"].split("/")) if count == line["ios"] else None)
    shape = {"percentile": percentiles(bins), "bins": {str(at): bins[at] for at in sorted(bins)}} if count else {}
    return {"io_bytes": count * size, "io_kbytes": count * size // 1024, "bw_bytes": rate, "bw": rate // 1024, "iops": iops,
            "runtime": round(1000 * line["ios"] / max(line["iops"], 1)) * once, "total_ios": count, "short_ios": 0, "drop_ios": 0,
            "slat_ns": latency({}), "clat_ns": {**found, **shape}, "lat_ns": found,
            "bw_min": rate // 1024, "bw_max": rate // 1024, "bw_agg": 100.0 * once, "bw_mean": rate / 1024, "bw_dev": 0.0,
            "bw_samples": once, "iops_min": int(iops), "iops_max": int(iops), "iops_mean": iops, "iops_stddev": 0.0,
            "iops_samples": once}


def distribution(bins):
    """The share of each of fio's parts, in percent."""
    limits = [(part, str(below), below * unit) for part, unit in PARTS.items() for below in BELOW]
    limits += [("latency_ms", "2000", 2000 * PARTS["latency_ms"]), ("latency_ms", ">=2000", math.inf)]
    found, total, before = {part: {} for part in PARTS}, sum(bins.values()), 0
    for part, name, limit in limits:
        found[part][name] = 100 * sum(count for at, count in bins.items() if before <= at < limit) / max(total, 1)
        before = limit
    return found


def job(line, transport, ring, backend):
    """A run: the fields of its bench line, and its bins."""
    reads, writes = line["bins"]["read"], line["bins"]["write"]
    both = {at: reads.get(at, 0) + writes.get(at, 0) for at in {**reads, **writes}}
    return {"jobname": f"{backend}-{transport}-{ring}-{line['rw']}-{line['iodepth']}", "groupid": 0, "error": 0,
            "job options": {"rw": line["rw"], "bs": str(line["bs"]), "iodepth": str(line["iodepth"]), "numjobs": "1",
                            "number_ios": str(line["ios"]), "norandommap": "1"},
            "read": direction(line, reads), "write": direction(line, writes), "trim": direction(line, {}),
            # Not measured: there is no process of whose time these would be shares.
            "usr_cpu": 0.0, "sys_cpu": 0.0, **distribution(both),
            "squall": {"transport": transport, "ring": ring, "backend": backend, "kicks": line["kicks"], "irqs": line["irqs"]}}


def write_file(path, jobs):
    now = time.time()
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"fio version": "squall", "timestamp": int(now), "timestamp_ms": int(1000 * now), "time": time.ctime(now),
                   "global options": {"ioengine": "virtio-blk"}, "jobs": jobs}, file, indent=2)
        file.write("\n")


def write(folder, jobs):
    """All in bench.json; and each in a file of its own, as fio-plot wants them: a folder for a series, and in a
    name rw, iodepth and numjobs."""
    write_file(os.path.join(folder, "bench.json"), jobs)
    shutil.rmtree(os.path.join(folder, "bench"), ignore_errors=True)
    for one in jobs:
        options, squall = one["job options"], one["squall"]
        series = os.path.join(folder, "bench", f"{squall['backend']}-{squall['transport']}-{squall['ring']}")
        os.makedirs(series, exist_ok=True)
        write_file(os.path.join(series, f"{options['rw']}-{options['iodepth']}-{options['numjobs']}.json"), [one])
