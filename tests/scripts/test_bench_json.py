# SPDX-License-Identifier: MIT
"""bench.json: it says what the kernel said, and the tools that read fio's output read it."""
import csv
import json
import os
import statistics
import subprocess

import machine
from tap import Skip, expect, expect_equal, test
from test_bench_script import script

import bench_json  # test_bench_script has added its folder

CONSOLE = """bench rw={rw} bs=4096 iodepth=32 ios=20000 iops=100000 bw=400000 lat_ns=800/900/5000 clat_ns=850/1000/2000/4000 instr=300 kicks=31 irqs=32
bin clat_ns=800 reads={reads} writes={writes}
bin clat_ns=1000 reads=8000 writes=0
bin clat_ns=5000 reads=0 writes=2000
exit 0
"""
CLAT2CSV = "fio_jsonplus_clat2csv"


def told(rw, reads, writes):
    """A run's job, of a made-up console."""
    console = CONSOLE.format(rw=rw, reads=reads, writes=writes)
    return bench_json.job({**script().fields(console, "bench"), "bins": bench_json.read_bins(console)}, "modern", "split", "file")


def measured(rw, depth, ios):
    return script().bench(machine.KERNEL, rw, depth, ios, exact=False, bins=True)


def run(t, *command):
    try:
        done = subprocess.run(command, cwd=t.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
    except FileNotFoundError:
        raise Skip(f"no {command[0]} here; get it with: make deps test") from None
    if "No module named 'six'" in done.stderr:
        raise Skip(f"{command[0]} finds no module six; get it with: make deps test")
    expect_equal(f"exit status of {' '.join(command)}: {done.stdout}{done.stderr}", done.returncode, 0)
    return done.stdout


@test("bench.json: counts, rates and latencies of reads and of writes")
def shares(_t):
    one = told("randrw", 7000, 3000)
    expect_equal("the job's options", one["job options"], {"rw": "randrw", "bs": "4096", "iodepth": "32", "numjobs": "1",
                                                           "number_ios": "20000", "norandommap": "1"})
    counts = ("io_bytes", "bw", "bw_bytes", "iops", "iops_mean", "iops_samples", "runtime", "total_ios")
    for way, expected in (("read", (61440000, 300000, 307200000, 75000.0, 75000.0, 1, 200, 15000)),
                          ("write", (20480000, 100000, 102400000, 25000.0, 25000.0, 1, 200, 5000)), ("trim", (0,) * 8)):
        expect_equal(f"counts of {way}", tuple(one[way][key] for key in counts), expected)
    read, write = one["read"]["clat_ns"], one["write"]["clat_ns"]
    expect_equal("bins", (read["bins"], write["bins"]), ({"800": 7000, "1000": 8000}, {"800": 3000, "5000": 2000}))
    expect_equal("percentiles", [read["percentile"][name] for name in ("1.000000", "40.000000", "50.000000", "99.990000")],
                 [800, 800, 1000, 1000])
    expect_equal("percentiles", [write["percentile"][name] for name in ("60.000000", "70.000000")], [800, 5000])
    for latency, values in ((read, [800] * 7000 + [1000] * 8000), (write, [800] * 3000 + [5000] * 2000)):
        expect_equal("of latencies", [round(latency[key], 6) for key in ("min", "mean", "max", "stddev", "N")],
                     [min(values), round(statistics.mean(values), 6), max(values), round(statistics.stdev(values), 6), len(values)])
    expect_equal("shares", {name: share for name, share in one["latency_ns"].items() if share}, {"1000": 50.0})
    expect_equal("shares", {name: share for name, share in one["latency_us"].items() if share}, {"2": 40.0, "10": 10.0})


@test("bench.json: of reads alone, mean and extremes are the bench line's")
def exact(_t):
    line = script().fields(CONSOLE.format(rw="randread", reads=10000, writes=0), "bench")
    one = bench_json.job({**line, "bins": {"read": {803: 12000, 5000: 8000}, "write": {}}}, "modern", "split", "file")
    expect_equal("latencies", [one["read"]["lat_ns"][key] for key in ("min", "mean", "max")], [800, 900.0, 5000])
    expect("bins" not in one["write"]["clat_ns"], "the tools do not expect bins where nothing is counted")


@test("bench.json: latencies are divided as by fio")
def divided(_t):
    at = [0, 1, 2, 999, 1000, 1999, 2000, 999_999, 1_000_000, 1_999_999_999, 2_000_000_000]
    parts = bench_json.distribution(dict.fromkeys(at, 1))
    found = {unit: {name: round(share * len(at) / 100) for name, share in parts[unit].items() if share} for unit in parts}
    expect_equal("how many are where", found, {"latency_ns": {"2": 2, "4": 1, "1000": 1}, "latency_us": {"2": 2, "4": 1, "1000": 1},
                                               "latency_ms": {"2": 1, "2000": 1, ">=2000": 1}})


def form(value, at=""):
    """What a tool relies on: the names, and of what kind each value is."""
    if isinstance(value, dict):
        return {line for key, one in value.items() for line in form(one, f"{at}/{key}")} or {f"{at}: empty"}
    return {f"{at}: {type(value).__name__}"}


@test("bench.json: it has the form of fio's own")
def as_fio(t):
    run(t, "fio", "--output-format=json+", "--output=fio.json", "--ioengine=null", "--thread", "--name=null", "--rw=randrw", "--size=4m", "--bs=4k")
    with open(t.path("fio.json"), encoding="utf-8") as file:
        theirs = json.load(file)
    bench_json.write(t.folder, [told("randrw", 7000, 3000)])
    with open(t.path("bench.json"), encoding="utf-8") as file:
        ours = json.load(file)
    (fio,), (one,) = theirs.pop("jobs"), ours.pop("jobs")
    del theirs["global options"], ours["global options"]
    expect_equal("what only one of them has", form(ours) ^ form(theirs), set())
    for way in ("read", "write"):
        for job in (one, fio):          # where the bins are, is each run's own
            bins = job[way]["clat_ns"].pop("bins")
            expect(all(at.isdigit() and isinstance(count, int) for at, count in bins.items()), f"bins of {way}: {bins}")
    for key in one.keys() - {"job options", "squall"}:
        expect_equal("what only one of them has", form(one[key], key) ^ form(fio[key], key), set())


@test("bench.json: fio-plot finds a file for each run, and in it all that it reads")
def as_for_fio_plot(t):
    """What it reads is written down here: it is no package of Debian's."""
    jobs = [told("randread", 12000, 0), told("randrw", 7000, 3000)]
    bench_json.write(t.folder, jobs)
    series = t.path("bench/file-modern-split")
    expect_equal("files, of rw, iodepth and numjobs", sorted(os.listdir(series)), ["randread-32-1.json", "randrw-32-1.json"])
    for name in os.listdir(series):
        with open(os.path.join(series, name), encoding="utf-8") as file:
            record = json.load(file)
        job, = record["jobs"]
        options = {**job["job options"], **record["global options"]}
        expect_equal(name, [options[key] for key in ("rw", "iodepth", "numjobs")], name.removesuffix(".json").split("-"))
        expect(options["bs"] and record["fio version"] and "steadystate" not in options and "hostname" not in job, name)
        for way in ("read", "write"):
            figures = [job[way]["bw"], job[way]["iops"], job[way]["iops_stddev"], job[way]["lat_ns"]["mean"], job[way]["lat_ns"]["stddev"]]
            expect(all(isinstance(figure, (int, float)) for figure in figures), f"{name}: {figures}")
        shares = [share for part in ("latency_ns", "latency_us", "latency_ms") for share in job[part].values()]
        expect(len(shares) == 32 and abs(sum(shares) - 100) < 1e-6, f"{name}: {shares}")
        expect_equal("shares of the processor", (job["usr_cpu"], job["sys_cpu"]), (0.0, 0.0))


@test("bench.json: fio_jsonplus_clat2csv makes tables of it, and they agree with the bench line")
def as_for_clat2csv(t):
    lines = [measured(rw, depth, ios) for rw, depth, ios in (("randread", 1, 3000), ("randwrite", 8, 500), ("randrw", 32, 900))]
    bench_json.write(t.folder, [bench_json.job(line, "modern", "split", "null-co") for line in lines])
    run(t, CLAT2CSV, "bench.json", "clat.csv")
    expect_equal("files that are validated", run(t, CLAT2CSV, "bench.json", "clat.csv", "--validate").count(" validated"), len(lines))
    for number, line in enumerate(lines):
        with open(t.path(f"clat_job{number}.csv"), encoding="utf-8") as file:
            rows = list(csv.DictReader(file, skipinitialspace=True))
        last = {"read": 0, "write": 0}          # how many there are up to a row
        reached = []                            # of both: (ns, how many)
        for row in rows:
            last = {way: int(row[f"{way}_clat_ns_cumulative"].strip() or last[way]) for way in last}
            reached.append((int(row["nsec"]), sum(last.values())))
        expect_equal("requests", last, {way: sum(line["bins"][way].values()) for way in last})
        expect_equal("requests in all", sum(last.values()), line["ios"])
        expect(all(count > 0 for way, count in last.items() if line["rw"] in ("randrw", f"rand{way}")), f"{line['rw']}: {last}")
        expect_equal("the longest", rows[-1]["nsec"], line["lat_ns"].split("/")[2])
        expect_equal("percentiles", [next(at for at, count in reached if count * 1000 >= thousandths * line["ios"])
                                     for thousandths in (500, 900, 990, 999)], [int(at) for at in line["clat_ns"].split("/")])
