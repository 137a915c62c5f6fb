"""What an audit finds: samples of the first side that should perhaps not be trained on, and why."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from hmer_tasks.audit.near import near_pairs
from hmer_tasks.audit.phash import Look, similar
from hmer_tasks.audit.sides import Item

# Of 256 bits. Copies saved again, resized, blurred, made paler or with other margins differ in 20 at most
# (bench/picture_hash.py); different ink of CROHME train in 32 at least (one person's y, written twice), of
# train and 2014 in 70. Copies that are turned, or cut into their ink, are mostly missed.
PICTURE_BITS = 24
PICTURE_STRETCH = 1.1  # between the aspect ratios of one picture and its copy
_WITH = 10  # partners named in a finding; the rest are counted


class Kind(StrEnum):
    """Why a sample is named. The first five are about the other side, the rest about its own."""

    SAME_LABEL = "same_label"
    SAME_SPELLING = "same_spelling"
    NEAR_LABEL = "near_label"
    SAME_PICTURE = "same_picture"
    DUPLICATE_PICTURE = "duplicate_picture"
    DUPLICATE_LABEL = "duplicate_label"
    CONFLICTING_PICTURE = "conflicting_picture"


@dataclass(frozen=True, slots=True)
class Finding:
    """A sample and its partners: `with_` the ids of the first few, `more` how many beyond those."""

    source: str
    id: str
    kind: Kind
    with_: tuple[str, ...]
    more: int = 0

    def as_json(self) -> dict[str, object]:
        """A line of the exclusion file."""
        line: dict[str, object] = {
            "source": self.source,
            "id": self.id,
            "reason": str(self.kind),
            "with": self.with_,
        }
        return line | ({"more": self.more} if self.more else {})


@dataclass(slots=True)
class Shared:
    """What two sides share: samples of each, and how many differing things (labels, pictures) it is."""

    left: int = 0
    right: int = 0
    distinct: int = 0


def by(items: Sequence[Item], key: Callable[[Item], Hashable]) -> dict[Hashable, list[int]]:
    """Indices of the items by a key, in order."""
    indices: dict[Hashable, list[int]] = defaultdict(list)
    for index, item in enumerate(items):
        indices[key(item)].append(index)
    return indices


def named(item: Item, kind: Kind, partners: Iterable[Item]) -> Finding:
    """A finding about one sample."""
    ids = list(dict.fromkeys(_name(item, partner) for partner in partners))
    return Finding(item.source, item.id, kind, tuple(ids[:_WITH]), max(0, len(ids) - _WITH))


def _first_named(item: Item, others: Iterator[Item], count: int) -> Finding:
    """A finding about a conflict; of many partners only the first are looked at."""
    ids = tuple(dict.fromkeys(_name(item, other) for other in islice(others, _WITH)))
    return Finding(item.source, item.id, Kind.CONFLICTING_PICTURE, ids, count - len(ids))


def _name(item: Item, partner: Item) -> str:
    same = partner.source in ("", item.source)
    return partner.id if same else f"{partner.source}/{partner.id}"


def shared(
    left: Sequence[Item],
    right: Sequence[Item],
    key: Callable[[Item], Hashable],
    kind: Kind,
    findings: list[Finding],
    *,
    skip: Callable[[Item], bool] = lambda _: False,
) -> Shared:
    """What is equal by a key on both sides.

    Args:
        left: The samples of the one side.
        right: Those of the other.
        key: What of a sample is compared.
        kind: What the findings are called.
        findings: Where a finding is added for each sample of the left that has a partner.
        skip: Which samples of the left are found already and get no finding.

    Returns:
        How many samples of either side are shared, and by how many different keys.
    """
    ours, theirs = by(left, key), by(right, key)
    common = [value for value in ours if value in theirs]
    for value in common:
        partners = [right[i] for i in theirs[value][: _WITH + 1]]
        more = max(0, len(theirs[value]) - _WITH)
        for index in ours[value]:
            if not skip(left[index]):
                item = left[index]
                ids = tuple(_name(item, partner) for partner in partners[:_WITH])
                findings.append(Finding(item.source, item.id, kind, ids, more))
    return Shared(
        sum(len(ours[value]) for value in common), sum(len(theirs[value]) for value in common), len(common)
    )


def near(
    left: Sequence[Item], right: Sequence[Item] | None, distance: int, findings: list[Finding]
) -> Shared:
    """Labels, in standard spelling, that are a token or two apart.

    Args:
        left: The samples of the one side.
        right: Those of the other. None: pairs within the left side.
        distance: How many tokens apart: 1 or 2.
        findings: Where a finding is added for each sample of the left that has a partner on the right.

    Returns:
        How many samples are near to one of the other side, and by how many different labels.
    """
    ours = by(left, lambda item: item.spelled)
    theirs = ours if right is None else by(right, lambda item: item.spelled)
    a, b = [str(key) for key in ours], [str(key) for key in theirs]
    pairs = near_pairs(a, None if right is None else b, distance)
    partners: dict[str, list[str]] = defaultdict(list)
    for i, j in pairs:
        partners[a[i]].append(b[j])
    if right is not None:
        for label, others in partners.items():
            for index in ours[label]:
                items = (right[i] for other in others for i in theirs[other])
                findings.append(named(left[index], Kind.NEAR_LABEL, items))
    met_right = {b[j] for _, j in pairs}
    return Shared(
        sum(len(ours[label]) for label in partners),
        sum(len(theirs[label]) for label in met_right),
        len(pairs),
    )


@dataclass(slots=True)
class Pictures:
    """Pictures that look the same. `pixels`: pairs of groups equal pixel for pixel are among them;
    `conflicts`: samples of the left with such a picture and another label on the right."""

    left: int = 0
    right: int = 0
    pixels: int = 0
    conflicts: int = 0


def same_pictures(
    left: Sequence[Item], right: Sequence[Item], findings: list[Finding], show: Callable[[int], None]
) -> Pictures:
    """Pictures that stand on both sides.

    Args:
        left: The samples of the one side.
        right: Those of the other.
        findings: Where a finding is added for each sample of the left whose picture stands on the right.
        show: Takes how many different pictures of the left are done.

    Returns:
        How many pictures of either side stand on the other, how many of them pixel for pixel, and how many
        with another label.
    """
    ours, theirs = _looks(left), _looks(right)
    a, b = list(ours), list(theirs)
    met: dict[int, list[int]] = defaultdict(list)
    for done, pairs in similar(a, b, PICTURE_BITS, PICTURE_STRETCH):
        for i, j in pairs:
            met[i].append(j)
        show(done)
    pixels = {item.look.pixels for item in right if item.look}
    counts = Pictures(right=sum(len(theirs[b[j]]) for j in {j for js in met.values() for j in js}))
    for i, js in met.items():
        partners = [right[index] for j in js for index in theirs[b[j]]]
        for index in ours[a[i]]:
            item = left[index]
            counts.left += 1
            counts.pixels += item.look is not None and item.look.pixels in pixels
            labels = {partner.spelled for partner in partners if partner.label}
            counts.conflicts += bool(item.label and labels) and item.spelled not in labels
            findings.append(named(item, Kind.SAME_PICTURE, partners))
    return counts


def repeated_pictures(
    items: Sequence[Item], findings: list[Finding], show: Callable[[int], None]
) -> Pictures:
    """Pictures that stand twice on one side.

    Args:
        items: The samples of the side.
        findings: Where a finding is added for each sample after the first of a picture with its label, or the
            first that is equal pixel for pixel; and, where labels of a picture differ, another one for all of
            them: nobody can tell which is right, or whether it is one picture (`26` and `28` in print).
        show: Takes how many different pictures are done.

    Returns:
        How many pictures are repeated, and how many of them pixel for pixel.
    """
    looks = _looks(items)
    keys = list(looks)
    group = list(range(len(keys)))  # each picture's group, by the first of it

    def root(i: int) -> int:
        while group[i] != i:
            group[i] = group[group[i]]
            i = group[i]
        return i

    for done, pairs in similar(keys, None, PICTURE_BITS, PICTURE_STRETCH):
        for i, j in pairs:
            first, second = sorted((root(i), root(j)))
            group[second] = first
        show(done)
    members: dict[int, list[int]] = defaultdict(list)
    for i, key in enumerate(keys):
        members[root(i)] += looks[key]
    counts = Pictures()
    for indices in members.values():
        if len(indices) < 2:
            continue
        same = [items[index] for index in sorted(indices)]
        kept_by: dict[object, Item] = {}  # by label, and by pixels
        for item in same:
            pixels = item.look.pixels if item.look else None
            kept = kept_by.get(pixels) or kept_by.get(item.spelled)
            counts.left += item is not same[0]
            if kept is not None:
                counts.pixels += pixels in kept_by
                findings.append(named(item, Kind.DUPLICATE_PICTURE, [kept]))
            kept_by.setdefault(pixels, item)
            kept_by.setdefault(item.spelled, item)
        spellings = by(same, lambda item: item.spelled)
        if len(spellings) > 1:
            counts.conflicts += len(same)
            for item in same:
                others = (same[i] for spelled, at in spellings.items() if spelled != item.spelled for i in at)
                findings.append(_first_named(item, others, len(same) - len(spellings[item.spelled])))
    return counts


def _looks(items: Sequence[Item]) -> dict[Look, list[int]]:
    """Items by their picture; those whose picture shows nothing, or is not there, are left out."""
    indices: dict[Look, list[int]] = defaultdict(list)
    for index, item in enumerate(items):
        if item.look is not None and not item.look.flat:
            indices[item.look].append(index)
    return indices
