"""The commands of the error-driven room: `errors fit`, `errors show`, `errors mine`, and `folds`."""

from pathlib import Path
from typing import Annotated

import typer

from hmer_tasks.utils.terminal import echo, plain_console

app = typer.Typer(
    help="Wrong candidates: measure how recognisers misread, and mine what they misread.",
    no_args_is_help=True,
)


def folds(
    dataset: Annotated[str, typer.Option(help="The corpus.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Where the folds go, JSON lines.")],
    k: Annotated[int, typer.Option("-k", help="How many folds.")] = 3,
    seed: Annotated[int, typer.Option(help="Another seed, other folds.")] = 0,
    root: Annotated[str | None, typer.Option(help="The corpus's folder, archive or URL.")] = None,
    split: Annotated[list[str] | None, typer.Option(help="A split; can be repeated. Default: train.")] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="How your own labels are read: latex (the default), tokens, or another profile."),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            help="Which columns of your own tables hold what: image=NAME,label=NAME,id=NAME,split=NAME."
        ),
    ] = None,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="The build mends labels (`build --repair`): put them in folds too."),
    ] = False,
) -> None:
    """Cut a corpus into folds, so that the same expression never stands on both sides."""
    from hmer_tasks.corpora.columns import parse_columns
    from hmer_tasks.pipeline import BuildOptions
    from hmer_tasks.pipeline.folds import write_folds
    from hmer_tasks.pipeline.plan import root_of
    from hmer_tasks.storage.output_path import validate_output_path
    from hmer_tasks.storage.urls import parse_location

    place = None if root is None else parse_location(root)
    validate_output_path(out, (root_of(dataset, root),))
    chosen = None if columns is None else parse_columns(columns)
    options = BuildOptions(
        dataset, place, tuple(split or ("train",)), seed=seed, profile=profile, columns=chosen, repair=repair
    )
    sizes = write_folds(options, k, out)
    echo(f"{sum(sizes):,} samples in folds of {', '.join(f'{size:,}' for size in sizes)}: {out}")


@app.command()
def fit(
    predictions: Annotated[list[Path], typer.Argument(help="Predictions to measure.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Where the noise file goes (TOML).")],
) -> None:
    """Measure how recognisers misread: which symbols, where, how often."""
    from hmer_tasks.errors.noise.calibrate import fit_noise
    from hmer_tasks.storage.output_path import validate_output_path
    from hmer_tasks.utils.files import atomic_write

    validate_output_path(out, predictions)
    text = fit_noise(predictions)
    atomic_write(out, text)
    echo(f"noise file: {out} ({len(text.encode()) / 1e3:,.0f} kB)")


@app.command("show")
def show_noise(
    file: Annotated[Path, typer.Argument(help="A noise file of `errors fit`.")],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Where the heat map goes (PNG).")] = None,
    top: Annotated[int, typer.Option("-n", help="How many mistakes in the table.", min=1)] = 25,
) -> None:
    """Show what a noise file says: a table of the top mistakes, and a heat map."""
    from hmer_tasks.cli.inline_pictures import show_png
    from hmer_tasks.errors.noise.noise_file import read_noise
    from hmer_tasks.errors.noise.show import heat_map, print_noise
    from hmer_tasks.storage.output_path import refuse_other_ending, validate_output_path

    if out is not None:
        validate_output_path(out, (file,))
        refuse_other_ending(out, ".png")
    noise = read_noise(file)
    print_noise(plain_console(), noise, top)
    if out is None:
        typer.echo(show_png(heat_map(noise), "confusions"))
    else:
        out.write_bytes(heat_map(noise))
        echo(f"picture: {out}")


@app.command()
def mine(
    predictions: Annotated[list[Path], typer.Argument(help="Predictions, several a picture or one.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Where the candidates go, JSON lines.")],
    per_sample: Annotated[int, typer.Option(help="At most so many of one picture.", min=1)] = 3,
    per_kind: Annotated[int, typer.Option(help="At most so many with the very same mistakes.", min=1)] = 200,
    longest_edit: Annotated[int, typer.Option(help="At most so many tokens in one mistake.", min=1)] = 20,
    farthest: Annotated[
        float, typer.Option(help="At most this distance, as a share of the length.", min=0, max=1)
    ] = 0.5,
) -> None:
    """Keep what a model read wrongly and can learn from, for `build --errors`."""
    from hmer_tasks.errors.mine import Caps, mine_files
    from hmer_tasks.storage.output_path import validate_output_path

    validate_output_path(out, predictions)
    mined = mine_files(predictions, out, Caps(per_sample, per_kind, longest_edit, farthest))
    for reason, count in mined.left_out.most_common():
        echo(f"left out: {count:,} {reason}")
    kept = len(mined.kept)
    echo(f"kept {kept:,} of {mined.predictions:,}, of {len(mined.samples):,} pictures: {out}")
