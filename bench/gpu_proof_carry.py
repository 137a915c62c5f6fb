"""Pack what bench.gpu_proof needs on a GPU machine that reaches no network, and say exactly what travels.

python -m bench.gpu_proof_carry --crohme build/crohme --out build/carry
python -m bench.gpu_proof_carry --crohme build/crohme --out build/carry --python 3.12 --there torch transformers …

The machine has torch, torchvision, transformers, accelerate, pyarrow and pandas, and what `--there` names.
Everything else that training and scoring import is downloaded as wheels for its Python, in the
versions of constraints.txt. There: pip install --no-index --find-links build/carry/wheels -r build/carry/wheels.txt
The build must have CROHME's splits train and 2014. The tokenizer is taken out of the wheel `dashscope`.
"""

import argparse
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

CONSTRAINTS = Path(__file__).parent.parent / "constraints.txt"
# What training, prediction and scoring import beyond those and what they need; for Qwen3.5 its kernels (Triton).
WHEELS = (
    "click", "datasets", "defusedxml", "dill", "einops", "fla-core", "flash-linear-attention", "joblib", "lark",
    "multiprocess", "nltk", "pylatexenc", "rapidfuzz", "trl", "xxhash",
)  # fmt: skip
TOKENIZER = "dashscope"


def pip_download(names: list[str], out: Path, python: str) -> None:
    """Download wheels, and nothing that they need. Ends the program where one is not there."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", "--python-version", python, "--dest", str(out)]
    for glibc in ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"):
        command += ["--platform", glibc]
    ended = subprocess.run([*command, *names], check=False)
    if ended.returncode:
        sys.exit(f"gpu_proof_carry: pip could not download {', '.join(names)}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--crohme", type=Path, required=True, help="a build with the splits train and 2014")
    parser.add_argument("--out", type=Path, default=Path("build/carry"))
    parser.add_argument("--python", default="3.12", help="of the GPU machine")
    parser.add_argument("--there", nargs="*", default=[], help="of the wheels, what the machine has")
    given = parser.parse_args()
    pinned = dict(
        line.split("==")
        for line in CONSTRAINTS.read_text(encoding="utf-8").split("\n")
        if "==" in line and line[0] != "#"
    )
    named = {name.lower(): f"{name}=={at}" for name, at in pinned.items()}
    wheels = [named.get(name, name) for name in WHEELS if name not in given.there]
    folder = given.out / "wheels"
    folder.mkdir(parents=True, exist_ok=True)
    pip_download(wheels, folder, given.python)
    (given.out / "wheels.txt").write_text("\n".join(wheels) + "\n", encoding="utf-8")
    unpacked = given.out / "dashscope"
    pip_download([TOKENIZER], unpacked, given.python)
    with zipfile.ZipFile(next(unpacked.glob("*.whl"))) as wheel:
        inside = next(name for name in wheel.namelist() if name.endswith("qwen.tiktoken"))
        (given.out / "qwen.tiktoken").write_bytes(wheel.read(inside))
    shutil.rmtree(unpacked)
    if not (given.crohme / "build.json").is_file():
        sys.exit(f"gpu_proof_carry: {given.crohme} is no finished build: hmer-tasks build --dataset crohme")
    shutil.copytree(given.crohme, given.out / "crohme", dirs_exist_ok=True)
    for path in sorted(given.out.rglob("*")):
        if path.is_file():
            print(f"{path.stat().st_size / 2**20:8.2f} MiB  {path.relative_to(given.out)}")
    total = sum(path.stat().st_size for path in given.out.rglob("*") if path.is_file())
    print(f"{total / 2**20:8.2f} MiB  in all, beside the repository")


if __name__ == "__main__":
    main()
