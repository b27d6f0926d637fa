"""The comparisons as bars with spreads: an SVG file written by hand, so that nothing need be installed."""

from html import escape

from compare import SERVERS, SHAPES

COLOURS = {
    "floor": "#9aa0a6",
    "keywardd": "#1a73e8",
    "redis": "#d93025",
    "go": "#188038",
    "keywardd-grpc": "#8ab4f8",
    "grpc-go": "#81c995",
}
PANELS = [
    ("requests/s, the floor being 1", "per_second"),
    ("server CPU per request", "server_cpu_ns"),
    ("p99 latency", "p99_ns"),
]
MOST = 4.0  # a bar beyond this is cut off, and its number says what it is

WIDTH, HEIGHT, GAP, LEFT, TOP = 560, 220, 50, 50, 60


def plot(comparisons):
    """One row of panels for each comparison."""
    columns, rows = len(PANELS), len(comparisons)
    width = LEFT + columns * (WIDTH + GAP)
    height = TOP + rows * (HEIGHT + 2 * GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        ' font-family="sans-serif" font-size="12" fill="#202124">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        *legend(),
    ]
    for row, comparison in enumerate(comparisons):
        for column, (title, field) in enumerate(PANELS):
            x, y = LEFT + column * (WIDTH + GAP), TOP + GAP / 2 + row * (HEIGHT + 2 * GAP)
            parts.append(f'<g transform="translate({x},{y:.0f})">')
            parts += panel(comparison, f"{comparison.title}: {title}", field)
            parts.append("</g>")
    return "\n".join([*parts, "</svg>"]) + "\n"


def legend():
    x = LEFT
    for server in SERVERS:
        yield f'<rect x="{x}" y="16" width="12" height="12" fill="{COLOURS[server]}"/>'
        yield text(x + 18, 27, server)
        x += 110
    yield text(x + 20, 27, "bar: median of the rounds’ ratios to the floor; line: least to most")


def panel(comparison, title, field):
    ratios = {
        (shape, server): comparison.ratio(shape, field, over=server) for shape in SHAPES for server in SERVERS
    }
    top = min(MOST, max([1.2, *(figure.high for figure in ratios.values() if figure)]) * 1.05)

    def height_of(value):
        return HEIGHT * min(value, top) / top

    yield text(0, -24, title, weight="bold")
    step = 0.25 if top <= 1.6 else 0.5 if top <= 2.6 else 1
    for number in range(int(top / step) + 1):
        y = HEIGHT - height_of(number * step)
        stroke = "#5f6368" if number * step in (0, 1) else "#e0e0e0"
        yield f'<line x1="0" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="{stroke}"/>'
        yield text(-6, y + 4, f"{number * step:g}", anchor="end")
    group = WIDTH / len(SHAPES)
    bar = group / (len(SERVERS) + 1)
    for index, shape in enumerate(SHAPES):
        yield text((index + 0.5) * group, HEIGHT + 18, f"{shape[0]}×{shape[1]}", anchor="middle")
        for place, server in enumerate(SERVERS):
            figure = ratios[shape, server]
            if figure:
                yield from draw(figure, index * group + (place + 0.5) * bar, bar * 0.85, COLOURS[server], height_of)


def draw(figure, x, width, colour, height_of):
    height = height_of(figure.middle)
    yield f'<rect x="{x:.1f}" y="{HEIGHT - height:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'
    low, high = HEIGHT - height_of(figure.low), HEIGHT - height_of(figure.high)
    middle = x + width / 2
    yield f'<line x1="{middle:.1f}" x2="{middle:.1f}" y1="{low:.1f}" y2="{high:.1f}" stroke="#202124"/>'
    yield text(middle, HEIGHT - height - 4, f"{figure.middle:.2f}", anchor="middle", size=9)


def text(x, y, words, anchor="start", weight="normal", size=12):
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" font-size="{size}">'
        f"{escape(words)}</text>"
    )
