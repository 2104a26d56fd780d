# SPDX-License-Identifier: GPL-2.0-only
"""The figures of scripts/bench as the tables of docs/performance.md, which stand between two comments there."""
BEGIN = "<!-- figures: written by make bench -->\n"
END = "<!-- end of figures -->\n"
MODES = ("default", "mitigations_off")


def amount(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}".removesuffix(".0")


def line(cells):
    return f"| {' | '.join(cells)} |\n"


def figure(row):
    if row is None:
        return "-", "-"
    missed = "" if row["ratio"] <= row["target"] else " *"
    return f"{amount(row['kite'])} / {amount(row['kvm'])}", f"{row['ratio']:.2f}{missed}"


def costs(by_name):
    yield line(("", "unit", "default", "ratio", "`mitigations=off`", "ratio", "target"))
    yield "|---" * 7 + "|\n"
    for name, modes in by_name.items():
        row = next(iter(modes.values()))
        cells = [cell for mode in MODES for cell in figure(modes.get(mode))]
        yield line((f"`{name}`", row["unit"], *cells, f"{row['target']:.2f}"))


def counts(rows, keys):
    yield line(("default, Kite / KVM", *keys))
    yield "|---" * (len(keys) + 1) + "|\n"
    for row in rows:
        faces = row["counts"]
        yield line((f"`{row['name']}`", *(" / ".join(amount(c[key]) for c in faces.values()) for key in keys)))


def tables(rows, keys):
    by_name = {}
    for row in rows:
        if row["mode"] in MODES:
            by_name.setdefault(row["name"], {})[row["mode"]] = row
    counted = [row for row in rows if row["mode"] == MODES[0] and row["counts"]]
    return "".join(costs(by_name)) + "\n" + "".join(counts(counted, keys))


def replace(text, rows, keys):
    """The document with these tables in the place of its own."""
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    return before + BEGIN + tables(rows, keys) + END + after
