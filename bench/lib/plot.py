"""Bars with whiskers as an SVG text, readable on a light and on a dark ground."""
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT, TOP, BAR, GAP = 820, 270, 110, 64, 14, 12
# Of middling brightness, text too: all of it stands out from white and from black.
COLOURS = ["#3b82c4", "#d9822b", "#4a9e5c", "#a56cc1"]
STYLE = """text { font: 12px sans-serif; fill: #767676 } .title { font-weight: bold; font-size: 14px }
.axis { stroke: #888; stroke-width: 1 } .grid { stroke: #888; stroke-opacity: .3 } .mark { stroke: #888; stroke-dasharray: 4 3 }
.whisker { stroke: #888; stroke-width: 1.5 }"""


@dataclass
class Plot:
    """
    title and unit: what the bars are.
    rows: (label, {side: (median, lowest, highest)}), from top to bottom.
    mark: (value, words) of a line across all bars, or None.
    """
    title: str
    unit: str
    rows: list
    mark: tuple = None

    def svg(self):
        sides = list(dict.fromkeys(side for _, bars in self.rows for side in bars))
        heights = [len(bars) * BAR + GAP for _, bars in self.rows]
        bottom = TOP + sum(heights)
        highest = max([high for _, bars in self.rows for _, _, high in bars.values()] + [self.mark[0] if self.mark else 0])
        scale = (WIDTH - LEFT - RIGHT) / (highest or 1)
        parts = [f'<text class="title" x="8" y="20">{escape(self.title)}</text>', *_legend(sides),
                 *_grid(highest, scale, bottom, self.unit)]
        y = TOP
        for (label, bars), height in zip(self.rows, heights):
            parts.append(f'<text x="{LEFT - 8}" y="{y + height / 2 + 1:.1f}" text-anchor="end">{escape(label)}</text>')
            for place, (side, values) in enumerate(bars.items()):
                parts += _bar(values, scale, y + GAP / 2 + place * BAR, COLOURS[sides.index(side) % len(COLOURS)])
            y += height
        if self.mark:
            x = LEFT + self.mark[0] * scale
            parts.append(f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{bottom}"/>'
                         f'<text x="{x + 4:.1f}" y="{TOP - 8}">{escape(self.mark[1])}</text>')
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 40}" width="{WIDTH}" height="{bottom + 40}">\n'
                f"<title>{escape(self.title)}</title>\n<style>{STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n")


def _legend(sides):
    x = LEFT
    for place, side in enumerate(sides):
        yield f'<rect x="{x}" y="29" width="10" height="10" fill="{COLOURS[place % len(COLOURS)]}"/><text x="{x + 14}" y="38">{escape(side)}</text>'
        x += 34 + 7 * len(side)


def _grid(highest, scale, bottom, unit):
    step = _step(highest)
    value = 0
    while value <= highest:
        x = LEFT + value * scale
        yield (f'<line class="{"grid" if value else "axis"}" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>'
               f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{_short(value)}</text>')
        value += step
    yield f'<text x="{WIDTH - RIGHT}" y="{bottom + 32}" text-anchor="end">{escape(unit)}</text>'


def _bar(values, scale, y, colour):
    middle, low, high = (value * scale for value in values)
    yield f'<rect x="{LEFT}" y="{y + 1:.1f}" width="{middle:.1f}" height="{BAR - 3}" fill="{colour}"/>'
    if high > low:
        yield f'<line class="whisker" x1="{LEFT + low:.1f}" x2="{LEFT + high:.1f}" y1="{y + BAR / 2:.1f}" y2="{y + BAR / 2:.1f}"/>'
    yield f'<text x="{LEFT + max(middle, high) + 5:.1f}" y="{y + BAR - 3:.1f}">{_short(values[0])}</text>'


def _step(highest):
    """1, 2 or 5 times a power of ten: at most seven lines."""
    power = 10 ** -9
    while True:
        for factor in (1, 2, 5):
            if highest / (power * factor) <= 6:
                return power * factor
        power *= 10


def _short(value):
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"
