"""Several corpora as the inputs of one build: each with its own reader, none with another's ids."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np

from hmer_tasks.corpora import Corpus, Rejected, Sample, SplitReader, open_corpus
from hmer_tasks.exceptions import CorpusError, UsageError
from hmer_tasks.pipeline.expand import ExpansionConfig
from hmer_tasks.pipeline.plan import BuildOptions, Inputs, corpus_named, open_inputs, with_settings
from hmer_tasks.pipeline.recipe import Member, Recipe
from hmer_tasks.shards.licences import licence_of_all
from hmer_tasks.shards.manifest import CorpusPrompts
from hmer_tasks.tasks import plugin_prompts
from hmer_tasks.tasks.prompts import DEFAULT, named_in_file, prompts_digest, read_prompts
from hmer_tasks.utils.progress import progress_of_many

_MANY, _SHOWN_EVERY = 300_000, 10_000  # samples: so many take seconds


class MemberSplit:
    """A split of a corpus of a recipe: its source bears the corpus's name there, its ids the source."""

    def __init__(self, reader: SplitReader, source: str, drawn: "np.ndarray | None", digest: str) -> None:
        self._reader, self._source, self._drawn, self._digest = reader, source, drawn, digest

    @property
    def profile(self) -> str | None:
        return self._reader.profile

    def __len__(self) -> int:
        return len(self._reader) if self._drawn is None else len(self._drawn)

    def _at(self, index: int) -> int:
        return index if self._drawn is None else int(self._drawn[index])

    def __getitem__(self, index: int) -> Sample | Rejected:
        sample = self._reader[self._at(index)]
        id = f"{self._source}/{sample.id}" if sample.id else ""
        if isinstance(sample, Rejected):
            return replace(sample, id=id, source=self._source)
        return replace(sample, id=id, source=self._source, own_id=sample.id)

    def id(self, index: int) -> str:
        id = self._reader.id(self._at(index))
        return f"{self._source}/{id}" if id else ""

    def digest(self) -> str:
        return self._digest


@dataclass(frozen=True, slots=True)
class Mixture:
    """The corpora of a recipe, opened.

    `inputs`: by source; `out_splits`: the split of the build that a source goes into; `contexts`: how the
    samples of a source are expanded; `corpus`: what the card says of them together; `prompts`: by corpus,
    where it has a set of its own.
    """

    inputs: dict[str, Inputs]
    out_splits: dict[str, str]
    contexts: dict[str, ExpansionConfig]
    corpus: Corpus
    prompts: dict[str, CorpusPrompts]


def open_mixture(
    recipe: Recipe,
    options: BuildOptions,
    context: ExpansionConfig,
    stack: ExitStack,
    known: Mapping[tuple[str, int], dict[int, int]] = {},
) -> Mixture:
    """Open the corpora of a recipe.

    Args:
        recipe: The recipe.
        options: The arguments of the build.
        context: How samples are expanded.
        stack: What closes the corpora in the end.
        known: `Inputs.earlier` by digest and count, as another rank wrote it to OUT.

    Returns:
        The inputs, and what is particular to each corpus.

    Raises:
        CorpusError: A corpus cannot be read, or its weight leaves no sample.
        UsageError: An option does not fit a corpus.
    """
    inputs: dict[str, Inputs] = {}
    out_splits: dict[str, str] = {}
    contexts: dict[str, ExpansionConfig] = {}
    prompts: dict[str, CorpusPrompts] = {}
    corpora: list[tuple[str, Corpus]] = []
    for member in recipe.members:
        to_split = {own: split for split, splits in member.splits for own in splits}
        member_options = replace(
            options,
            recipe=None, dataset=member.dataset, root=member.root, splits=tuple(to_split), limit=member.limit,
            columns=member.columns, profile=member.profile, count=member.count, look=member.look,
            like=member.like, valid_share=0.0,
        )  # fmt: skip
        corpus = with_settings(corpus_named(member.dataset, tuple(to_split)), member_options)
        corpora.append((member.name, corpus))
        own_context = _context_of(member, corpus, context, prompts)
        files = stack.enter_context(open_corpus(corpus, member.root))
        for split, opened in open_inputs(corpus, files, member_options, known).items():
            source = f"{member.name}/{split}"
            inputs[source] = _drawn(opened, member, source, options.seed)
            out_splits[source] = to_split.get(split, split)
            contexts[source] = own_context
    together = replace(
        corpora[0][1],
        name=recipe.name,
        origin="; ".join(f"{name}: {corpus.origin}" for name, corpus in corpora),
        licence=licence_of_all([(name, corpus.licence) for name, corpus in corpora]),
    )
    return Mixture(inputs, out_splits, contexts, together, prompts)


def _context_of(
    member: Member, corpus: Corpus, context: ExpansionConfig, prompts: dict[str, CorpusPrompts]
) -> ExpansionConfig:
    """How a corpus's samples are expanded; a prompt set of its own is added to `prompts`."""
    tasks = tuple(task for task in context.tasks if not corpus.tasks or task.name in corpus.tasks)
    if not tasks:
        raise UsageError(
            f"{member.name} has rows of {', '.join(corpus.tasks)} alone; add one of them to tasks"
        )
    chosen = member.prompts or corpus.prompts
    if corpus.prompts and member.prompts == DEFAULT:
        raise UsageError(
            f"{member.name}: the prompts {DEFAULT} speak of a recogniser's mistakes, and {corpus.name} has "
            f"a person's"
        )
    own = replace(context, tasks=tasks, repair_as=member.dataset)
    if not chosen:
        return own
    names = [task.name for task in tasks]
    templates = read_prompts(chosen, names, plugin_prompts(names))
    prompts[member.name] = CorpusPrompts(
        prompt_set=named_in_file(chosen), sha256=prompts_digest(templates), prompts=dict(templates)
    )
    return replace(own, prompts=templates)


def _drawn(opened: Inputs, member: Member, source: str, seed: int) -> Inputs:
    """The inputs of a split that its corpus's weight takes; lines too broken to have an id always."""
    reader, count = opened.reader, opened.count
    if member.weight == 1:
        return Inputs(MemberSplit(reader, source, None, reader.digest()), count, opened.earlier)
    taken = []
    with progress_of_many(count, _MANY, f"samples of {source} drawn") as show:
        for index in range(count):
            id = reader.id(index)
            if not id or is_taken(seed, source, id, member.weight):
                taken.append(index)
            if index % _SHOWN_EVERY == 0:
                show(index)
    if not taken:
        raise CorpusError(f"{source}: the weight {member.weight} leaves none of its {count:,} samples")
    # The same id has the same fate, so an earlier input with it is taken as well.
    position = {index: at for at, index in enumerate(taken)}
    earlier = {position[at]: position[before] for at, before in opened.earlier.items() if at in position}
    digest = sha256(f"{reader.digest()} {source} {member.weight} {seed}".encode()).hexdigest()
    return Inputs(MemberSplit(reader, source, np.array(taken), digest), len(taken), earlier)


def is_taken(seed: int, source: str, id: str, weight: float) -> bool:
    """Whether a sample is taken by its corpus's weight. Any worker decides alike.

    Args:
        seed: The build's seed.
        source: The sample's source.
        id: Its id.
        weight: The share of the corpus that is taken, from 0 to 1.

    Returns:
        Whether it is.
    """
    digest = sha256("\x1f".join((str(seed), "weight", source, id)).encode()).digest()
    return int.from_bytes(digest[:8], "big") < weight * 2**64
