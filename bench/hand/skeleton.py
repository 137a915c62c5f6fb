"""A glyph's mask to pen strokes: thin it, read the thin lines as a graph, walk the graph as a pen would.

Where lines meet, a pen goes straight on: the two ends that lie best in one line are joined. The thin
lines' bends close to a meeting are an artefact of thinning and are left out before smoothing.
"""

import math
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter1d
from skimage.measure import label
from skimage.morphology import skeletonize

Pixel = tuple[int, int]
Path = list[tuple[float, float]]
AROUND = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]
STRAIGHT = math.cos(math.radians(125))  # two ends pass through a meeting if they turn less than 55°


class Edge:
    """Pixels between two nodes; `ends` are the nodes' numbers."""

    def __init__(self, ends: list[int], pixels: list[Pixel]) -> None:
        self.ends, self.pixels = ends, pixels

    def length(self) -> float:
        steps = zip(self.pixels, self.pixels[1:], strict=False)
        return sum(math.dist(a, b) for a, b in steps)


def strokes_of(mask: NDArray[np.bool_]) -> list[Path]:
    """Strokes as (x, y) in pixels, roughly in writing order."""
    depth = distance_transform_edt(mask)
    thin = skeletonize(mask)
    radius = float(np.median(depth[thin])) if thin.any() else 1.0
    paths: list[Path] = []
    blobs, count = label(mask, return_num=True, connectivity=2)
    for number in range(1, count + 1):
        paths += _component(thin & (blobs == number), depth, radius)
    paths = [_directed(path) for path in paths]
    paths.sort(key=lambda path: min(x for x, _ in path) + 0.5 * min(y for _, y in path))
    return paths


def _component(thin: NDArray[np.bool_], depth: NDArray[np.float64], radius: float) -> list[Path]:
    pixels = {(int(y), int(x)) for y, x in zip(*np.nonzero(thin), strict=True)}
    if len(pixels) <= 1.2 * radius:
        y, x = (sum(p[i] for p in pixels) / len(pixels) for i in (0, 1))
        return [[(x, y), (x + 0.3 * radius, y + 0.5 * radius)]]  # a dot is a short touch of the pen
    nodes, edges = _graph(pixels)
    _tidy(nodes, edges, depth)
    return _walk(nodes, edges, depth, radius)


def _neighbours(pixel: Pixel, pixels: set[Pixel]) -> list[Pixel]:
    """8-neighbours, but a diagonal only where no straight step leads there too."""
    y, x = pixel
    out = []
    for dy, dx in AROUND:
        if (y + dy, x + dx) in pixels and (
            not (dy and dx) or not ((y + dy, x) in pixels or (y, x + dx) in pixels)
        ):
            out.append((y + dy, x + dx))
    return out


def _graph(pixels: set[Pixel]) -> tuple[dict[int, Pixel], list[Edge]]:
    links = {pixel: _neighbours(pixel, pixels) for pixel in pixels}
    special = {pixel for pixel, near in links.items() if len(near) != 2}
    if not special:
        special = {min(pixels)}
    number = {pixel: i for i, pixel in enumerate(sorted(special))}
    edges, seen = [], set()
    for start in sorted(special):
        for step in links[start]:
            if (start, step) in seen:
                continue
            path, before, here = [start], start, step
            while here not in special:
                path.append(here)
                before, here = here, next(p for p in links[here] if p != before)
            path.append(here)
            seen |= {(start, step), (here, path[-2])}
            edges.append(Edge([number[start], number[here]], path))
    return {i: pixel for pixel, i in number.items()}, edges


def _tidy(nodes: dict[int, Pixel], edges: list[Edge], depth: NDArray[np.float64]) -> None:
    """Cut spurs, and draw meetings that thinning pulled apart into one."""
    while True:
        degree: dict[int, int] = defaultdict(int)
        for edge in edges:
            for end in edge.ends:
                degree[end] += 1
        spur = None
        for edge in sorted(edges, key=Edge.length):
            a, b = edge.ends
            reach = max(depth[nodes[a]], depth[nodes[b]])
            free = (degree[a] == 1) != (degree[b] == 1)
            if free and edge.length() < 1.15 * reach and len(edges) > 1:
                spur = edge
                edges.remove(edge)
                _smooth_away(a if degree[a] > 1 else b, edges)
                break
            if a != b and degree[a] > 2 and degree[b] > 2 and edge.length() < 1.5 * reach:
                spur = edge
                edges.remove(edge)
                for other in edges:
                    other.ends = [a if end == b else end for end in other.ends]
                break
        if spur is None:
            return


def _smooth_away(node: int, edges: list[Edge]) -> None:
    """A node left with two edges is no meeting any more."""
    touching = [edge for edge in edges if node in edge.ends]
    if len(touching) != 2 or any(edge.ends[0] == edge.ends[1] for edge in touching):
        return
    first, second = touching
    if first.ends[1] != node:
        first.ends.reverse()
        first.pixels.reverse()
    if second.ends[0] != node:
        second.ends.reverse()
        second.pixels.reverse()
    edges.remove(second)
    first.ends = [first.ends[0], second.ends[1]]
    first.pixels = first.pixels + second.pixels[1:]


def _heading(edge: Edge, end: int, skip: float, reach: float) -> tuple[float, float]:
    """The direction in which an edge leaves its end, the first bit near the meeting left out."""
    pixels = edge.pixels if end == 0 else edge.pixels[::-1]
    start = min(int(skip), max(0, len(pixels) - 4))
    stop = min(int(skip + reach), len(pixels) - 1)
    (y0, x0), (y1, x1) = pixels[start], pixels[stop]
    size = math.hypot(x1 - x0, y1 - y0) or 1.0
    return (x1 - x0) / size, (y1 - y0) / size


def _walk(
    nodes: dict[int, Pixel], edges: list[Edge], depth: NDArray[np.float64], radius: float
) -> list[Path]:
    partner: dict[tuple[int, int], tuple[int, int]] = {}
    for node in nodes:
        ends = [(i, e) for i, edge in enumerate(edges) for e in (0, 1) if edge.ends[e] == node]
        if len(ends) < 2:
            continue
        heads = {end: _heading(edges[end[0]], end[1], radius, 2.5 * radius) for end in ends}
        pairs = sorted(
            (heads[a][0] * heads[b][0] + heads[a][1] * heads[b][1], a, b)
            for i, a in enumerate(ends)
            for b in ends[i + 1 :]
        )
        taken: set[tuple[int, int]] = set()
        for turn, a, b in pairs:
            if turn < STRAIGHT and a not in taken and b not in taken:
                partner[a], partner[b] = b, a
                taken |= {a, b}
        if len(ends) == 2 and not taken:  # a corner is still one line
            partner[ends[0]], partner[ends[1]] = ends[1], ends[0]
    done: set[int] = set()
    paths = []
    open_ends = [(i, e) for i in range(len(edges)) for e in (0, 1) if (i, e) not in partner]
    for start in [*open_ends, *((i, 0) for i in range(len(edges)))]:
        if start[0] in done:
            continue
        pieces = []
        end: tuple[int, int] | None = start
        while end is not None and end[0] not in done:
            done.add(end[0])
            edge = edges[end[0]]
            pixels = edge.pixels if end[1] == 0 else edge.pixels[::-1]
            pieces.append((pixels, partner.get(end) is not None, (end[0], 1 - end[1]) in partner))
            end = partner.get((end[0], 1 - end[1]))
        paths.append(_join(pieces, depth, radius))
    return [path for path in paths if len(path) > 1]


def _join(pieces: list[tuple[list[Pixel], bool, bool]], depth: NDArray[np.float64], radius: float) -> Path:
    kept: list[Pixel] = []
    for pixels, joined_before, joined_after in pieces:
        cut = int(0.9 * radius)
        low = cut if joined_before and len(pixels) > 3 * cut else 0
        high = len(pixels) - (cut if joined_after and len(pixels) > 3 * cut else 0)
        kept += pixels[low:high]
    points = np.array([(x, y) for y, x in kept], dtype=float)
    closed = len(points) > 12 and math.dist(points[0], points[-1]) < 2 * radius
    if closed:
        points = np.vstack([points, points[:1]])
    points = _even(points)
    if len(points) > 5:
        smooth = gaussian_filter1d(points, max(1.5, 0.45 * radius), axis=0, mode="nearest")
        smooth[0], smooth[-1] = points[0], points[-1]
        points = smooth
    return simplify([(float(x), float(y)) for x, y in points], 0.006 * mask_size(depth))


def mask_size(depth: NDArray[np.float64]) -> float:
    return float(min(depth.shape)) / 2


def _even(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points one pixel apart."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.linspace(0, along[-1], max(2, round(along[-1])))
    return np.column_stack([np.interp(at, along, points[:, i]) for i in (0, 1)])


def simplify(path: Path, slack: float) -> Path:
    """Ramer, Douglas and Peucker: leave points out that lie within `slack` of the line without them."""
    if len(path) < 3:
        return path
    (x0, y0), (x1, y1) = path[0], path[-1]
    size = math.hypot(x1 - x0, y1 - y0)
    if size > 1e-9:
        far = [abs((x - x0) * (y1 - y0) - (y - y0) * (x1 - x0)) / size for x, y in path]
    else:
        far = [math.hypot(x - x0, y - y0) for x, y in path]
    worst = max(range(len(path)), key=far.__getitem__)
    if far[worst] <= slack:
        return [path[0], path[-1]]
    return simplify(path[: worst + 1], slack)[:-1] + simplify(path[worst:], slack)


def _directed(path: Path) -> Path:
    """Pens start at the left or the top."""
    (x0, y0), (x1, y1) = path[0], path[-1]
    return path[::-1] if (x1 - x0) + 1.2 * (y1 - y0) < 0 else path
