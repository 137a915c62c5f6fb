"""`check` and `build` say the same of every label of one folder, unknown commands included."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hmer_tasks.cli.check_labels import check_dataset, check_file
from hmer_tasks.exceptions import UsageError
from hmer_tasks.pipeline import BuildOptions, build
from hmer_tasks.pipeline.expand import Rejected
from tests.latex.expressions import LABELS, SOUP
from tests.pipeline.conftest import one_line, rejects_of, rows_of, run_command

RAW = [r"$x^2$", r"\[x\]", "x % c", "5 % of", r"\label{a}x", r"\farc{a}{b}", r"\ref{a}", "x² ≤ α", r"\alhpa", "{ x", "$x",
       r"\begin{align}a&b\\c\end{align}", r"x \unknown y", r"\textcolor{red}{x}", r"\kern x", "x _ 1 _ 2", "<none>"]  # fmt: skip
_LINES = st.lists(
    st.tuples(
        st.sampled_from("abcdefghij"),
        st.one_of(st.sampled_from(RAW), LABELS, SOUP).map(lambda a: " ".join(a.split())),
    ),
    min_size=1,
    max_size=12,
)


def refused_by_check(checked, rejects: list[Rejected]) -> list[tuple[str, str, str, str]]:
    assert checked.refused.total() == len(rejects)
    return [(reject.id, reject.reason, reject.where, reject.label) for reject in rejects]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_LINES, st.booleans(), st.sampled_from([None, "latex", "tokens", "im2latex"]))
def test_they_say_the_same(lines, strict, profile):
    with TemporaryDirectory() as place:
        root, out = Path(place) / "mine", Path(place) / "out"
        root.mkdir()
        text = "".join(f"{id}\t{label}\n" for id, label in lines)
        (root / "labels.tsv").write_text(text, encoding="utf-8")
        passed: list[Rejected] = []
        (checked,) = check_dataset(
            "folder", root, workers=1, rejects=passed.append, profile=profile, strict=strict
        )
        told_of_file: list[Rejected] = []
        of_file = check_file(
            root / "labels.tsv", workers=1, rejects=told_of_file.append, profile=profile, strict=strict
        )
        options = BuildOptions(
            "folder",
            root,
            out=out,
            tasks=("recognition",),
            workers=1,
            no_images=True,
            profile=profile,
            strict=strict,
        )
        built = build(options)
        refused = refused_by_check(checked, passed)
        assert refused == refused_by_check(of_file, told_of_file)
        assert refused == [
            tuple(reject[key] for key in ("id", "reason", "where", "label")) for reject in rejects_of(out)
        ]
        assert checked.accepted == of_file.accepted == built.summary["splits"]["train"]["samples"]
        unknown = built.summary.get("unknown_commands", {})
        assert checked.unknown.as_json() == of_file.unknown.as_json() == unknown
        assert not (strict and unknown)
        refused_ids = [reject[0] for reject in refused]
        rows = rows_of(out)
        assert sorted([*refused_ids, *(row["id"] for row in rows)]) == sorted(id for id, _ in lines)
        assert {row["gt"] for row in rows} <= {label for _, label in lines}


@pytest.fixture
def mine(tmp_path):
    root = tmp_path / "mine"
    root.mkdir()
    lines = ["a\t$x^2$", "b\t\\farc{a}{b}", "c\t\\farc 1 2 + \\foo", "d\t\\ref{a}"]
    (root / "labels.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def test_unknown_commands_are_told_at_the_end_of_both(mine, tmp_path):
    words = ("--dataset", "folder", "--root", mine)
    for command in (
        ("check", *words),
        ("check", mine / "labels.tsv"),
        ("build", *words, "--no-images", "--out", tmp_path / "o"),
    ):
        said = run_command(*command).stdout
        assert r"\farc in 2 labels, first b: did you mean \frac?" in said
        assert r"\foo in 1 label, first c" in said
    made_by = json.loads((tmp_path / "o" / "build.json").read_text())["made_by"]["arguments"]
    assert made_by["profile"] == "latex"
    assert "strict" not in made_by


def test_gt_stays_what_its_owner_wrote(mine, tmp_path):
    build(BuildOptions("folder", mine, out=tmp_path / "o", tasks=("recognition",), workers=1, no_images=True))
    first = rows_of(tmp_path / "o")[0]
    assert (first["label"], first["gt"]) == ("x ^ { 2 }", "$x^2$")


def test_a_profile_is_for_ones_own_labels(mine, tmp_path):
    done = run_command(
        "build", "--dataset", "hme100k", "--root", mine, "--profile", "latex", "--out", tmp_path / "o"
    )
    assert "--profile is for your own labels" in one_line(done, 2)
    assert "did you mean 'latex'" in one_line(
        run_command("check", mine / "labels.tsv", "--profile", "latx"), 2
    )
    with pytest.raises(UsageError, match="tokens"):
        check_file(mine / "labels.tsv", profile="none")


def test_folds_and_audit_read_a_folder_as_build_does(tmp_path):
    (tmp_path / "labels.tsv").write_text("a\tx + y % }\nb\tx ^ 2\nc\ty\nd\tz\n", encoding="utf-8")
    where = ("--dataset", "folder", "--root", tmp_path)
    folds = tmp_path.with_suffix(".jsonl")
    for profile, samples in (("latex", 4), ("tokens", 3)):
        done = run_command("folds", *where, "-k", 2, "--profile", profile, "-o", folds)
        assert done.stdout.startswith(f"{samples} samples in folds")
        done = run_command("audit", *where, "--profile", profile, "--no-pictures", "--json")
        side = json.loads(done.stdout)["sides"][0]
        assert sum(side["refused"].values()) == 4 - samples
    for words in (("folds", "--dataset", "sample", "-o", folds), ("audit", "--dataset", "sample")):
        assert "--profile is for your own labels" in one_line(run_command(*words, "--profile", "latex"), 2)
    assert "--profile: " in one_line(run_command("audit", *where, "--profile", "latx"), 2)
