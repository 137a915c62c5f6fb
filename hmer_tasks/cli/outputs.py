"""The commands before and after a build: `audit` a corpus, `export` what was built, `push` it."""

from pathlib import Path
from typing import Annotated

import typer

from hmer_tasks.exceptions import BuildError, UsageError
from hmer_tasks.utils.terminal import echo, plain_console, printable_json

# What leaks, and copies. Labels that repeat and labels that are near are no mistake of a training set.
DROPPED = "same_label,same_spelling,same_picture,duplicate_picture"
NEAR = 1  # tokens


def audit(
    dataset: Annotated[str | None, typer.Option(help="The corpus to train on.")] = None,
    root: Annotated[str | None, typer.Option(help="Its folder or archive, or its address.")] = None,
    split: Annotated[list[str] | None, typer.Option(help="A split; can be repeated.")] = None,
    labels: Annotated[
        list[Path] | None, typer.Option(help="Label files instead of a corpus; no pictures are compared.")
    ] = None,
    against: Annotated[str | None, typer.Option(help="The corpus to test on.")] = None,
    against_root: Annotated[str | None, typer.Option(help="Its folder or archive, or its address.")] = None,
    against_split: Annotated[list[str] | None, typer.Option(help="A split; can be repeated.")] = None,
    against_labels: Annotated[list[Path] | None, typer.Option(help="Label files to test on.")] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="How your own labels are read, on both sides: latex (the default of tables), tokens (that "
            "of label files), or another."
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            help="Which columns of your own tables hold what, on both sides: "
            "image=NAME,label=NAME,id=NAME,split=NAME."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Write samples there for `build --exclude`.")
    ] = None,
    drop: Annotated[
        str | None, typer.Option(help="What goes into -o, joined by commas.", show_default=DROPPED)
    ] = None,
    predictions: Annotated[
        list[Path] | None,
        typer.Option(
            help="Readings of the pictures (repeat it for several recognisers): how hard each sample is, "
            "and which labels are suspicious, instead of leaks and duplicates."
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="With --predictions: write sample weights for the trainer there.")
    ] = None,
    review: Annotated[
        Path | None, typer.Option(help="With --predictions: write a page to go through suspects with keys.")
    ] = None,
    decisions: Annotated[
        list[Path] | None,
        typer.Option(help="With --predictions: decisions that the page of --review saved; can be repeated."),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="With --predictions: nats of suspicion that list a label.", min=0)
    ] = None,
    near: Annotated[
        int | None,
        typer.Option(help="Labels so many tokens apart are near: 0, 1 or 2.", show_default=str(NEAR)),
    ] = None,
    pictures: Annotated[
        bool | None, typer.Option(help="Compare pictures by a perceptual hash.", show_default="pictures")
    ] = None,
    workers: Annotated[int, typer.Option(help="Worker processes; 0: one a core.", min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of tables.")] = False,
) -> None:
    """Find what stands in training and test set at once, twice in one, or in two spellings; with
    --predictions, how hard samples are and which labels are suspicious."""
    from hmer_tasks.audit.audit import AuditOptions, kinds_named, write_findings
    from hmer_tasks.audit.audit import audit as run_audit
    from hmer_tasks.audit.report import print_audit
    from hmer_tasks.audit.sides import SideOptions
    from hmer_tasks.cli.audit_labels import LabelAuditOptions, audit_labels
    from hmer_tasks.corpora.columns import parse_columns
    from hmer_tasks.pipeline.plan import OWN_TABLES, root_of
    from hmer_tasks.storage.output_path import refuse_same_path, validate_output_path
    from hmer_tasks.storage.urls import parse_location

    chosen = None if columns is None else parse_columns(columns)
    own = " or ".join(OWN_TABLES)
    files = not predictions and bool(labels or against_labels)
    if profile is not None and not files and not {dataset, against} & set(OWN_TABLES):
        raise UsageError(f"--profile is for your own labels (--dataset {own}, --against it, or --labels)")
    if chosen is not None and not files and not {dataset, against} & set(OWN_TABLES):
        raise UsageError(f"--columns is for your own tables (--dataset {own}, or --against it)")
    if predictions:
        if against is not None or against_root is not None or against_split or against_labels:
            raise UsageError("--predictions audits one corpus: drop --against")
        if labels and (len(labels) > 1 or dataset is not None):
            raise UsageError("with --predictions the labels are one file, or a corpus")
        if root is not None and dataset is None:
            raise UsageError("--root goes with --dataset")
        compared = {"--drop": drop, "--near": near, "--[no-]pictures": pictures, "--workers": workers or None}
        for name, value in compared.items():
            if value is not None:
                raise UsageError(f"{name} is for leaks and duplicates, which --predictions does not look for")
        inputs = (*predictions, *(labels or ()), *(decisions or ()), root_of(dataset, root))
        refuse_same_path(out, weights, review)
        for path in (out, weights, review):
            if path is not None:
                validate_output_path(path, inputs, folder_made=path is not review)
        audit_labels(
            LabelAuditOptions(
                tuple(predictions),
                dataset,
                root and parse_location(root),
                tuple(split or ()),
                labels[0] if labels else None,
                threshold,
                out,
                weights,
                review,
                tuple(decisions or ()),
                as_json,
                profile,
                chosen,
            ),
            plain_console(),
        )
        return
    for name, given in (
        ("--weights", weights),
        ("--review", review),
        ("--decisions", decisions),
        ("--threshold", threshold),
    ):
        if given is not None:
            raise UsageError(f"{name} goes with --predictions")
    kinds = kinds_named(DROPPED if drop is None else drop)
    if out is not None:
        roots = root_of(dataset, root), root_of(against, against_root)
        validate_output_path(out, (*roots, *(labels or ()), *(against_labels or ())), folder_made=True)
    if root is not None and dataset is None:
        raise UsageError("--root goes with --dataset")
    if against_root is not None and against is None:
        raise UsageError("--against-root goes with --against")
    side = SideOptions(
        dataset, root and parse_location(root), tuple(split or ()), tuple(labels or ()), profile, chosen
    )
    if against is not None and against == dataset and against_root is None:
        against_root = root
    other = SideOptions(
        against,
        against_root and parse_location(against_root),
        tuple(against_split or ()),
        tuple(against_labels or ()),
        profile,
        chosen,
    )
    result = run_audit(
        AuditOptions(
            side,
            None if other == SideOptions(profile=profile, columns=chosen) else other,
            NEAR if near is None else near,
            pictures is not False,
            workers,
        )
    )
    if as_json:
        echo(printable_json(result.as_json(), indent=1))
    else:
        print_audit(plain_console(), result)
    if out is not None:
        count = write_findings(result, out, kinds)
        echo(f"{count:,} samples of {result.sides[0].name} for build --exclude: {out}", err=as_json)


def export(
    out: Annotated[Path, typer.Argument(help="A finished build.")],
    to: Annotated[
        str, typer.Option(help="Whose layout: llama-factory, ms-swift, verl, webdataset or released.")
    ],
    target: Annotated[Path, typer.Option("-o", "--out", help="Where it goes: a folder of its own.")],
    embed: Annotated[
        bool, typer.Option("--embed", help="llama-factory: Parquet with the pictures in it, no files.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier export.")] = False,
    add: Annotated[
        bool, typer.Option("--add", help="Put the build beside those that the folder holds already.")
    ] = False,
) -> None:
    """Write a build as another trainer reads it. Run again, it goes on."""
    from hmer_tasks.exporting.exporters import find_exporter
    from hmer_tasks.exporting.folder import export as run_export

    exporter = find_exporter(to)
    if embed and exporter.embedded is None:
        raise UsageError("--embed goes with --to llama-factory: other layouts have one form")
    if add and overwrite:
        raise UsageError("--add keeps what is there, --overwrite replaces it: choose one")
    layout = exporter.embedded() if embed and exporter.embedded is not None else exporter.layout()
    written = run_export(out, target, layout, overwrite, add)
    if written.already:
        echo(f"{target} is this very export already: nothing to do")
        return
    for name, count in written.rows.items():
        echo(f"{count:>10,} {name}")
    if written.left_out:
        echo(
            f"left out: {written.left_out:,} rows whose text holds a placeholder: {target / 'left_out.jsonl'}"
        )
    for line in exporter.hints(target, written.configs):
        echo(line)


def push(
    out: Annotated[Path, typer.Argument(help="A finished build.")],
    repo: Annotated[str, typer.Argument(help="A dataset repository of the Hugging Face Hub: owner/name.")],
    private: Annotated[bool, typer.Option("--private", help="If it is made anew, make it private.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would go up.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="The corpus's licence allows what I do.")] = False,
) -> None:
    """Upload a build to the Hugging Face Hub. Run again, it goes on where it stopped."""
    from hmer_tasks.exporting.push import plan_push
    from hmer_tasks.exporting.push import push as run_push

    plan = plan_push(out, repo)
    if plan.note:
        echo(f"licence: {plan.note}", err=True)
    if dry_run:
        for name, size in plan.files.items():
            echo(f"{size:>15,} {name}")
        echo(f"{plan.size:>15,} bytes in {len(plan.files)} files would go to {repo}")
        return
    if plan.ask and not yes:
        raise BuildError(f"pass --yes if you may publish this corpus as {repo}, or keep it to yourself")
    echo(f"pushed: {run_push(out, plan, private)}")
