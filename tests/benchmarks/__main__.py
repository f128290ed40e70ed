import argparse

from tests.benchmarks import core, distributed, explorers, lessons, peers

BENCHMARKS = {
    function.__name__: function
    for function in (
        core.sweep, core.basins, core.grid, core.importing, core.stream, core.monitored, peers.peers,
        explorers.move, explorers.memory,
        distributed.overhead, distributed.four_workers, distributed.simulation, distributed.overlap, lessons.lessons,
    )
}


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"which ones: {', '.join(BENCHMARKS)} (default: all)")
    names = parser.parse_args().names or list(BENCHMARKS)
    if unknown := set(names) - set(BENCHMARKS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    print(f"{'':44} {'measured':>34}   {'wanted':10}")
    for name in names:
        for row in BENCHMARKS[name]():
            verdict = {None: "", True: "ok", False: "MISSED"}[row.ok]
            print(f"{row.what:44} {row.measured:>34}   {row.wanted:10} {verdict}", flush=True)


if __name__ == "__main__":
    main()
