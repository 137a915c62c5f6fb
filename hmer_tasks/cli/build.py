"""The commands about corpora and builds: `datasets`, `check`, `build`, `verify`."""

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from hmer_tasks.cli.choices import Engine, Look
from hmer_tasks.exceptions import BuildError, UsageError
from hmer_tasks.tasks import TASK_NAMES, task_names
from hmer_tasks.utils.terminal import command_name, echo, plain_console, printable, printable_json

if TYPE_CHECKING:
    from hmer_tasks.pipeline import BuildResult

INPUT = "Input"
TASKS = "Tasks"
CANDIDATES = "Wrong candidates"
OUTPUT = "Output"
MACHINES = "Many machines"
SYNTHETIC = "Generated corpora (--dataset synthetic, recombined)"

_DOCUMENTED_TASKS = ",".join(TASK_NAMES)


def build(
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            help="The corpus; `hmer-tasks datasets` lists them. Repeated, they are one build.",
            rich_help_panel=INPUT,
        ),
    ] = None,
    root: Annotated[
        list[str] | None,
        typer.Option(
            help="Its folder, archive or URL, if not where it usually lies; of several corpora NAME=PATH.",
            rich_help_panel=INPUT,
        ),
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(
            help="A split; can be repeated. Default: all that are there. Of several corpora: NAME/SPLIT.",
            rich_help_panel=INPUT,
        ),
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(
            help="Several corpora with splits, weights and options: a TOML file, or the build.json of such a "
            "build, to make it again.",
            rich_help_panel=INPUT,
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            help="Where to write: a folder or URL. Default: build/<dataset>.", rich_help_panel=OUTPUT
        ),
    ] = None,
    tasks: Annotated[
        str, typer.Option(help="Which tasks, joined by commas.", rich_help_panel=TASKS)
    ] = _DOCUMENTED_TASKS,
    errors: Annotated[
        str,
        typer.Option(
            help="Wrong candidates: synthetic, FILE, or FILE,synthetic.", rich_help_panel=CANDIDATES
        ),
    ] = "synthetic",
    tree_format: Annotated[
        str,
        typer.Option(help="canonical (lossless) or released (the published tool's).", rich_help_panel=TASKS),
    ] = "canonical",
    prompts: Annotated[
        str,
        typer.Option(
            help="A prompt set by name, or a .toml file. Default: uni-mumer (a corpus of people's mistakes "
            "has its own).",
            rich_help_panel=TASKS,
            show_default=False,
        ),
    ] = "",
    normalize: Annotated[
        bool, typer.Option("--normalize", help="Rewrite labels in one spelling.", rich_help_panel=TASKS)
    ] = False,
    valid_share: Annotated[
        float, typer.Option(help="Share of train set aside as valid, by label.", rich_help_panel=OUTPUT)
    ] = 0.0,
    seed: Annotated[
        int,
        typer.Option(
            help="Seed of all that is drawn: wrong candidates, validation split, writers, weights, prompts.",
            rich_help_panel=OUTPUT,
        ),
    ] = 0,
    workers: Annotated[
        int, typer.Option(help="Worker processes; 0: one a core.", rich_help_panel=OUTPUT)
    ] = 0,
    limit: Annotated[
        int | None, typer.Option(help="Only the first N inputs of each split.", rich_help_panel=INPUT)
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Replace an earlier build in OUT; an unfinished one with the same arguments goes on.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    clean_share: Annotated[
        float,
        typer.Option(
            help="Share of the samples that also get rows whose candidate is right.",
            rich_help_panel=CANDIDATES,
        ),
    ] = 0.0,
    keep_polarity: Annotated[
        bool,
        typer.Option(
            "--keep-polarity", help="Leave light-on-dark pictures as they are on disk.", rich_help_panel=INPUT
        ),
    ] = False,
    exclude: Annotated[
        Path | None,
        typer.Option(help="Leave out the samples that `audit -o FILE` lists.", rich_help_panel=INPUT),
    ] = None,
    noise: Annotated[
        Path | None,
        typer.Option(
            help="How synthetic candidates err: a file of `errors fit`, not the shipped one.",
            rich_help_panel=CANDIDATES,
        ),
    ] = None,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Mend labels that are nearly TeX; repairs.jsonl tells which.",
            rich_help_panel=INPUT,
        ),
    ] = False,
    no_images: Annotated[
        bool,
        typer.Option(
            "--no-images", help="Labels alone: no picture is read, rows have none.", rich_help_panel=INPUT
        ),
    ] = False,
    profile: Annotated[
        str | None,
        typer.Option(
            help="How your own labels are read: latex (the default; it takes tokens as they are), tokens, or "
            "another profile of raw LaTeX.",
            rich_help_panel=INPUT,
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Refuse labels with a command that is not known.", rich_help_panel=INPUT
        ),
    ] = False,
    columns: Annotated[
        str | None,
        typer.Option(
            help="Which columns of your own tables hold what: image=NAME,label=NAME,id=NAME,split=NAME, or "
            "some of these. Default: found by type and name.",
            rich_help_panel=INPUT,
        ),
    ] = None,
    on: Annotated[
        Engine | None,
        typer.Option(
            help="Build with datatrove: here, on Slurm, or on a Ray cluster.", rich_help_panel=MACHINES
        ),
    ] = None,
    rank: Annotated[
        int | None,
        typer.Option(
            help="Make this rank's share alone, of --world-size; 0 is the first.", rich_help_panel=MACHINES
        ),
    ] = None,
    world_size: Annotated[
        int | None,
        typer.Option(help="How many ranks share the build (--on: how many tasks).", rich_help_panel=MACHINES),
    ] = None,
    slurm: Annotated[
        list[str] | None,
        typer.Option(
            help="For slurm, KEY=VALUE; partition, time, cpus, mem (GB a cpu), job-name, qos, at-once, "
            "or any option of sbatch. Can be repeated.",
            rich_help_panel=MACHINES,
        ),
    ] = None,
    logs: Annotated[
        Path | None,
        typer.Option(help="Where the engine's logs go. Default: OUT.logs.", rich_help_panel=MACHINES),
    ] = None,
    count: Annotated[
        int | None, typer.Option(help="How many samples. Default: 1,000.", rich_help_panel=SYNTHETIC)
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option(help="A label file whose statistics to follow.", rich_help_panel=SYNTHETIC),
    ] = None,
    look: Annotated[
        Look | None, typer.Option(help="Strokes, or a photograph.", rich_help_panel=SYNTHETIC)
    ] = None,
    hands: Annotated[
        Path | None,
        typer.Option(
            "--writers",
            "--hands",
            help="synthetic: InkML with symbol groups, to write as its people do.",
            rich_help_panel=SYNTHETIC,
        ),
    ] = None,
    inkml: Annotated[
        Path | None,
        typer.Option(help="Also write the ink to this folder, as InkML.", rich_help_panel=SYNTHETIC),
    ] = None,
) -> None:
    """Build a corpus into Parquet shards, every row proven. Run again, it goes on where it stopped."""
    from hmer_tasks.cli.cluster import run_build
    from hmer_tasks.cli.several import of_several
    from hmer_tasks.corpora.columns import parse_columns
    from hmer_tasks.pipeline import BuildOptions
    from hmer_tasks.plugins import script_digests
    from hmer_tasks.storage.urls import parse_location

    names = tuple(name.strip() for name in tasks.split(",") if name.strip())
    if not names:
        raise UsageError(f"--tasks names none; there are {_DOCUMENTED_TASKS}")
    datasets, roots = dataset or [], root or []
    single = len(datasets) == 1 and recipe is None
    if single and len(roots) > 1:
        raise UsageError("--root is given twice: one corpus has one root")
    options = BuildOptions(
        datasets[0] if single else "", parse_location(roots[0]) if single and roots else None,
        tuple(split or ()), out and parse_location(out), names,
        errors, tree_format, prompts, normalize, valid_share, seed, workers, limit, overwrite,
        count, like, look, hands, clean_share,
        keep_polarity, exclude=exclude, noise=noise, repair=repair, no_images=no_images, profile=profile,
        strict=strict, columns=None if columns is None else parse_columns(columns), plugins=script_digests(),
    )  # fmt: skip
    if not single:
        options = of_several(options, datasets, roots, recipe, default_tasks=tasks == _DOCUMENTED_TASKS)
    if inkml is not None:
        if options.dataset not in ("synthetic", "recombined"):
            raise UsageError("--inkml writes the ink of --dataset synthetic or recombined")
        if on is not None or rank is not None:
            raise UsageError("--inkml is written by one process: leave --on and --rank out")
    built = run_build(options, on, rank, world_size, slurm or [], logs)
    if built is None:
        return
    _print_built(built)
    if inkml is not None:
        from hmer_tasks.cli.export_ink import export_ink
        from hmer_tasks.pipeline.plan import corpus_named, with_settings

        corpus = with_settings(corpus_named(options.dataset), options)
        count = export_ink(corpus, options.root, inkml, limit)
        echo(f"ink: {count:,} files in {inkml}")
    if not any(split_summary["rows"] for split_summary in built.summary["splits"].values()):
        raise BuildError(f"no row was written; {built.out}/rejects.jsonl says why, line by line")


def _print_built(built: "BuildResult") -> None:
    from hmer_tasks.latex.unknown import lines as unknown_lines
    from hmer_tasks.plugins import plugin_options

    console = plain_console()
    if built.already:
        done = (
            f"{built.rebuilt} damaged shard{'s' * (built.rebuilt != 1)} written again"
            if built.rebuilt
            else "nothing to do"
        )
        arguments = built.summary["made_by"]["arguments"]
        own = arguments["dataset"] not in ("sample", "synthetic") and not arguments.get("no_images")
        if own and not built.rebuilt:  # what a digest of all pictures takes, a build takes
            done += "; pictures are not compared: --overwrite reads them anew"
        echo(f"{built.out} is already built with these arguments: {done}")
        return
    splits = built.summary["splits"]
    built_tasks = {task for counted in splits.values() for task in counted["tasks"]}
    table = Table("", *splits)
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("samples", *(f"{split_summary['samples']:,}" for split_summary in splits.values()))
    table.add_row(
        "refused", *(f"{split_summary['rejected']:,}" for split_summary in splits.values()), end_section=True
    )
    for task in (name for name in task_names() if name in TASK_NAMES or name in built_tasks):
        table.add_row(
            task, *(f"{split_summary['tasks'].get(task, 0):,}" for split_summary in splits.values())
        )
    console.print(table)
    for reason, count in built.summary["rejected"].items():
        echo(f"refused: {count:,} {reason}")
    for kind, count in built.summary.get("repaired", {}).items():
        echo(f"repaired: {count:,} {kind}")
    if changes := built.summary.get("pictures"):
        listed = ", ".join(f"{count:,} {change.replace('_', ' ')}" for change, count in changes.items())
        echo(f"pictures: {listed}")
    for line in unknown_lines(built.summary.get("unknown_commands", {})):
        echo(line)
    if lacking := sum(split_summary["no_candidate"] for split_summary in splits.values()):
        echo(f"without a wrong candidate, hence without rows of a mistake: {lacking:,} samples")
    if clean := sum(split_summary["clean"] for split_summary in splits.values()):
        echo(f"with rows whose candidate is right: {clean:,} samples")
    shards = built.summary["shards"]
    size = sum(shard["bytes"] for shard in shards.values())
    shown = f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} kB"
    echo(f"wrote {len(shards)} shard{'s' * (len(shards) != 1)}, {shown}, to {built.out}")
    where = f"{shlex.quote(str(built.out))}{plugin_options()}"
    echo(f"look:   {command_name()} show {where}\nprove:  {command_name()} verify {where}")
    echo(f"load:   datasets.load_dataset({json.dumps(str(built.out), ensure_ascii=False)})")


def check(
    file: Annotated[
        list[Path] | None, typer.Argument(help="Label files: tsv, caption.txt, JSON lines, CSV.")
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(help="A corpus instead of files; with files and --repair, the one they are of."),
    ] = None,
    root: Annotated[str | None, typer.Option(help="The corpus's folder, archive or URL.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
    rejects: Annotated[
        Path | None, typer.Option(help="Write each refused label there, a JSON line each.")
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what `build --repair` would, and count the kinds.")
    ] = False,
    workers: Annotated[int, typer.Option(help="Worker processes; 0: one a core.", min=0)] = 0,
    no_images: Annotated[
        bool, typer.Option("--no-images", help="No effect: `check` reads no picture.", hidden=True)
    ] = False,
    profile: Annotated[
        str | None,
        typer.Option(
            help="How your own labels are read: latex (the default; it takes tokens as they are), tokens, or "
            "another profile of raw LaTeX."
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse labels with a command that is not known.")
    ] = False,
    columns: Annotated[
        str | None,
        typer.Option(
            help="Which columns of your own tables hold what: image=NAME,label=NAME,id=NAME,split=NAME."
        ),
    ] = None,
) -> None:
    """Tell which labels are accepted and why the others are not."""
    del no_images
    from hmer_tasks.cli import check_labels as look
    from hmer_tasks.corpora.columns import parse_columns
    from hmer_tasks.pipeline.plan import root_of
    from hmer_tasks.storage.output_path import validate_output_path
    from hmer_tasks.storage.urls import parse_location

    if bool(file) == bool(dataset) and not (file and repair and root is None):
        raise UsageError("name label files, or a corpus with --dataset (one of the two)")
    if file and root is not None:
        raise UsageError("--root goes with --dataset")
    if rejects is not None:
        if as_json and rejects == Path("/dev/stdout"):
            raise UsageError("--json and --rejects would both go to the terminal: name a file for one")
        validate_output_path(rejects, tuple(file) if file else (root_of(dataset, root),))
    chosen = None if columns is None else parse_columns(columns)
    with look.rejects_file(rejects) as refuse:
        if file:
            checked = [
                look.check_file(
                    path,
                    repair,
                    workers,
                    refuse,
                    dataset or "",
                    profile=profile,
                    strict=strict,
                    columns=chosen,
                )
                for path in file
            ]
        else:
            assert dataset is not None
            place = None if root is None else parse_location(root)
            checked = list(
                look.check_dataset(
                    dataset, place, repair, workers, refuse, profile=profile, strict=strict, columns=chosen
                )
            )
    if as_json:
        echo(printable_json([result.as_json() for result in checked], indent=1))
    else:
        look.print_table(plain_console(), checked)


def verify(
    out: Annotated[str, typer.Argument(help="A finished build: a folder or URL.")],
    workers: Annotated[int, typer.Option(help="Worker processes; 0: one a core.", min=0)] = 0,
) -> None:
    """Read a build again: checksums, schema, counts, the proof of every row, every picture."""
    from hmer_tasks.shards.verifier import verify as run_verify
    from hmer_tasks.storage.urls import parse_location

    report = run_verify(parse_location(out), workers)
    for fault in report.faults:
        echo(f"hmer-tasks: {printable(fault)}", err=True)
    if report.more:
        echo(f"hmer-tasks: and {report.more:,} more faults", err=True)
    echo(f"{out}: {report.rows:,} rows and {report.pictures:,} pictures read again")
    if report.faults:
        echo("shards that are damaged or missing are made again by the command that built it")
        raise typer.Exit(1)
    if not report.prompts_compared:
        echo("not compared: the prompts; they came from a file, and this build.json does not hold them")
        echo("every row is proven, but for its prompt")
        return
    echo("every row is proven")
