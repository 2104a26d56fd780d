# SPDX-License-Identifier: GPL-2.0-only
"""The figures of scripts/bench as a chart: a bar for each row, what Kite costs of what KVM costs."""
import html

LEFT, RIGHT, TOP, BAR, GAP = 150, 130, 44, 11, 5
WIDTH = 760
END = 1.5               # longer bars are cut off there
# Read well on white and on black.
TEXT, FAINT, MET, MISSED = "#7a7f87", "#7a7f8755", "#2f8f6b", "#c8722c"


def x(ratio):
    return LEFT + min(ratio, END) / END * (WIDTH - LEFT - RIGHT)


def text(at, y, what, anchor="start"):
    return f'<text x="{at:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(what)}</text>'


def line(at, y, end, style):
    return f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{y:.1f}" y2="{end:.1f}" {style}/>'


def bar(row, y):
    colour = MET if row["ratio"] <= row["target"] else MISSED
    middle = y + BAR - 2
    yield text(LEFT - 8, middle, row["name"], "end")
    yield (f'<rect x="{LEFT}" y="{y}" width="{x(row["ratio"]) - LEFT:.1f}" height="{BAR}" fill="{colour}"/>')
    yield line(x(row["target"]), y - 2, y + BAR + 2, f'stroke="{TEXT}" stroke-width="2"')
    yield text(WIDTH - RIGHT + 8, middle, f"{row['ratio']:.2f}  ({row['kite']:,.0f} / {row['kvm']:,.0f})")


def svg(rows, mode):
    rows = [r for r in rows if r["mode"] == mode]
    height = TOP + len(rows) * (BAR + GAP) + 20
    out = ["<!-- SPDX-License-Identifier: GPL-2.0-only -->",
           f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
           f'font-family="sans-serif" font-size="11" fill="{TEXT}">',
           f"<title>Cost on Kite of that on KVM, {html.escape(mode)}</title>",
           text(LEFT, 14, "Kite / KVM, the same guest in the same boot: less is better; the short line is the target")]
    for tick in (0, 0.25, 0.5, 0.75, 1, 1.25, 1.5):
        style = f'stroke="{TEXT if tick == 1 else FAINT}"'
        out += [line(x(tick), TOP - 8, height - 14, style), text(x(tick), TOP - 12, f"{tick:g}", "middle")]
    for n, row in enumerate(rows):
        out += bar(row, TOP + n * (BAR + GAP))
    return "\n".join(out) + "\n</svg>\n"
