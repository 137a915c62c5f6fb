"""`hmer-tasks errors released`: the wrong candidates of the authors' published error rows."""

import json
from pathlib import Path
from typing import Annotated

import typer

from hmer_tasks.exceptions import UsageError
from hmer_tasks.utils.terminal import echo


def released(
    out: Annotated[Path, typer.Option("-o", "--out", help="Where they go, for `build --errors`.")],
    root: Annotated[Path | None, typer.Option(help="The folder of Uni-MuMER-Data.")] = None,
    of: Annotated[
        list[str] | None, typer.Option(help="A recognition configuration; can be repeated. Default: all.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help='What they are joined by besides ids. Default: released/<of>; "": by ids alone.'),
    ] = None,
    stems: Annotated[
        bool, typer.Option("--stems", help="Ids without the pictures' endings, as CROHME's are.")
    ] = False,
) -> None:
    """Write the wrong candidates of published rows (`_error_find`, `_error_fix`) as a predictions file."""
    from hmer_tasks.corpora import CORPORA, open_corpus
    from hmer_tasks.corpora.released import BASES, CONFIGS, candidates
    from hmer_tasks.storage.output_path import validate_output_path
    from hmer_tasks.utils.files import atomic_write

    validate_output_path(out, (root or CORPORA["released"].default_root,))
    for base in of or ():
        if base not in BASES:
            raise UsageError(f"--of {base}: no recognition configuration; there are {', '.join(BASES)}")
    corpus = CORPORA["released"]
    lines: list[str] = []
    with open_corpus(corpus, root) as files:
        bases = {CONFIGS[config][0] for config in corpus.available(files) if "_error_" in config}
        wanted = of or [base for base in BASES if base in bases]
        if not wanted:
            raise corpus.absent(files.root, "crohme_train_error_find", corpus.available(files))
        for base in wanted:
            base_candidates = list(candidates(files, base))
            for candidate in base_candidates:
                id = Path(candidate.id).stem if stems else candidate.id
                joined_by = f"released/{base}" if source is None else source
                record = {
                    "source": joined_by,
                    "img_id": id,
                    "gt": candidate.label,
                    "pred": candidate.candidate,
                }
                lines.append(json.dumps(record, ensure_ascii=False) + "\n")
            pictures = {candidate.id for candidate in base_candidates}
            echo(f"{base}: {len(base_candidates):,} candidates of {len(pictures):,} pictures")
    atomic_write(out, "".join(lines))
    echo(f"wrote {out}; use it with --errors {out}")
