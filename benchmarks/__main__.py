"""Runs every benchmark, one after the other."""

from __future__ import annotations

import sys

from benchmarks import (
    bench_intake,
    bench_search,
    bench_send,
    bench_threads,
    bench_tui,
    bench_webhooks,
)


def main() -> int:
    for bench in (
        bench_intake,
        bench_send,
        bench_webhooks,
        bench_threads,
        bench_search,
        bench_tui,
    ):
        print(f"\n## {bench.TITLE}\n", flush=True)
        bench.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
