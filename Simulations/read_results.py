"""Reads what `rialto sim run … --out DIR --csv` wrote, with pandas and nothing of ours.

    rialto sim run Simulations/partition-heal.yaml --out out --csv
    python3 Simulations/read_results.py out

Each block stands alone: paste it into a notebook.
"""

import json
import pathlib
import sys

import pandas as pd

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "out")

# One row for each run: verdict, speed, and every metric as a column.
lines = [json.loads(line) for line in (folder / "result.jsonl").read_text().splitlines()]
runs = pd.json_normalize(lines, sep=".").drop(columns=["verdicts", "message_kinds"], errors="ignore")
print(runs[["scenario", "seed", "verdict", "nodes", "messages", "messages_per_second"]].to_string(index=False))

# What failed, and where to replay to.
failed = [(line["scenario"], line["seed"], check["name"], check["finding"])
          for line in lines for check in line["verdicts"] if not check["passed"]]
print(pd.DataFrame(failed, columns=["scenario", "seed", "check", "finding"]).to_string(index=False) if failed else "nothing failed")

# Per virtual second. Latencies are empty in seconds in which nothing arrived: pandas reads NaN.
seconds = pd.read_csv(folder / "seconds.csv")
by_second = seconds.groupby("second").agg(
    nodes_up=("nodes_up", "mean"),
    latency_p99_seconds=("latency_p99_seconds", "max"),
    bytes=("bytes", "mean"),
    distinct_sets=("distinct_sets", "max"),
)
print(by_second.iloc[:: max(1, len(by_second) // 10)].round(3).to_string())

# How fast publications reached everybody: the quantiles of the time to the last node.
publications = pd.read_csv(folder / "publications.csv")
whole = publications[publications.reached == publications.reachable]
print(f"{len(whole)} of {len(publications)} publications reached every node")
print(whole.latency_max_seconds.quantile([0.5, 0.9, 0.99]).round(3).to_string())

# How lookups in the hash table went, by kind: only where nodes find each other by themselves.
if (folder / "lookups.csv").exists():
    lookups = pd.read_csv(folder / "lookups.csv")
    print(lookups.groupby(["asked_by", "kind"]).agg(
        count=("success", "size"),
        success=("success", "mean"),
        hops=("hops", "mean"),
        requests=("requests", "mean"),
        failures=("failures", "mean"),
        p50_seconds=("duration_seconds", "median"),
        p99_seconds=("duration_seconds", lambda seconds: seconds.quantile(0.99)),
    ).round(3).to_string())

# Bytes by kind of message, over all seeds.
messages = pd.read_csv(folder / "messages.csv")
print(messages.groupby("kind")[["count", "bytes"]].sum().sort_values("bytes", ascending=False).to_string())
