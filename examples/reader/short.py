"""The short expressions of a CROHME split as a corpus of their own: a folder of the same InkML files.

python -m examples.reader.short --corpus CROHME --split 2014 --out build/reader/short-2014
hmer-tasks build --dataset crohme --root build/reader/short-2014 --split 2014 --out build/reader/short-2014-rows
"""

import argparse
import shutil
from pathlib import Path, PurePosixPath

from hmer_tasks.corpora.base import Rejected
from hmer_tasks.corpora.crohme import CORPUS, ink_names
from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.normalize import normalize
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import to_label
from hmer_tasks.storage.opening import open_files

FOLDERS = {"train": "TrainINKML"}


def copy_short(corpus: Path, split: str, out: Path, longest: int) -> int:
    """Copy the InkML of labels of at most `longest` tokens; returns how many. `out` is there when it is whole."""
    count, part = 0, out.with_name(f"{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    with open_files(corpus) as files:
        names = {PurePosixPath(name).stem: name for name in ink_names(files, split)}
        reader = CORPUS.open_split(files, split)
        for index in range(len(reader)):
            sample = reader[index]
            if isinstance(sample, Rejected):
                continue
            try:
                label = to_label(parse(normalize(sample.label, "crohme")))
            except LabelError:
                continue
            if len(label.split()) <= longest:
                path = part / FOLDERS.get(split, f"TEST{split}") / f"{sample.id}.inkml"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(files.read(names[sample.id]))
                count += 1
    part.rename(out)
    return count


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="examples.reader.short", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--split", default="2014")
    parser.add_argument("--longest", type=int, default=10, help="tokens of a label, at most")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    count = copy_short(given.corpus, given.split, given.out, given.longest)
    print(f"{given.out}: {count:,} expressions of at most {given.longest} tokens")


if __name__ == "__main__":
    main()
