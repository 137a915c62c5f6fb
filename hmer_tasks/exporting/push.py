"""`hmer-tasks push`: a finished build to the Hugging Face Hub, by huggingface_hub's folder upload.

The upload resumes: run again, it skips what the Hub has already. Exactly the files of the build go
up; shards of an earlier push that are no longer part of it are removed in the same commit.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hmer_tasks.corpora import CORPORA
from hmer_tasks.exceptions import BuildError, MissingLibraryError, UsageError
from hmer_tasks.exporting.source import checked
from hmer_tasks.shards.licences import licence_of_all, terms
from hmer_tasks.utils.processes import raise_on_signal

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_TEXTS = ("README.md", "croissant.json", "build.json", "rejects.jsonl", "repairs.jsonl")


@dataclass(frozen=True, slots=True)
class Plan:
    """What would go up: the files with their sizes in bytes, and what the licence asks for."""

    repo: str
    files: dict[str, int]
    note: str
    ask: bool

    @property
    def size(self) -> int:
        return sum(self.files.values())


def plan_push(out: Path, repo: str) -> Plan:
    """Check a build (every shard's digest) and a repository's name.

    Raises BuildError, UsageError (a name that no repository has), MissingLibraryError.
    """
    try:
        from huggingface_hub.errors import HFValidationError
        from huggingface_hub.utils import validate_repo_id
    except ImportError:
        raise MissingLibraryError("push needs huggingface_hub: pip install 'hmer-tasks[data]'") from None
    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        why = str(error).partition(" Use `repo_type`")[0]
        raise UsageError(f"{repo!r} is no repository's name: {' '.join(why.split())}") from error
    if "/" not in repo:
        raise UsageError(f"{repo!r} is no repository's name: write OWNER/{repo}")
    with raise_on_signal():
        summary = checked(out)
    files = {name: (out / name).stat().st_size for name in _TEXTS if (out / name).is_file()}
    files |= {name: shard["bytes"] for name, shard in summary["shards"].items()}
    arguments = summary["made_by"]["arguments"]
    dataset, corpora = str(arguments["dataset"]), arguments.get("corpora")
    # a recipe's name is no corpus
    names = [str(record["dataset"]) for record in corpora] if isinstance(corpora, list) else [dataset]
    licences = [(name, CORPORA[name].licence if name in CORPORA else "unknown") for name in names]
    licence = terms(licence_of_all(licences))
    return Plan(repo, files, f"{dataset}: {licence.note}" if licence.note else "", licence.ask)


def push(out: Path, plan: Plan, private: bool) -> str:
    """Upload a build to the Hugging Face Hub.

    Args:
        out: The build.
        plan: What `plan_push` found: the files that are missing there.
        private: Whether a repository that is made now is private.

    Returns:
        The repository's address.

    Raises:
        BuildError: There is no token, no network, or the Hub refuses, in one line.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HTTPError,
        LocalTokenNotFoundError,
        OfflineModeIsEnabled,
    )
    from huggingface_hub.utils import get_token

    if get_token() is None:
        raise BuildError("no Hugging Face token: run `hf auth login`, or set HF_TOKEN")
    try:
        return _upload(HfApi(), out, plan, private)
    except LocalTokenNotFoundError as error:
        raise BuildError("no Hugging Face token: run `hf auth login`, or set HF_TOKEN") from error
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "no answer"
        raise BuildError(
            f"the Hub refuses {plan.repo} ({status}): {error.server_message or _one_line(error)}; "
            "what is uploaded is kept: correct this and run again"
        ) from error
    except (RuntimeError, ValueError) as error:  # a file that broke off; a card that the Hub finds wrong
        why = f"{_one_line(error)} {_one_line(error.__cause__)}" if error.__cause__ else _one_line(error)
        raise BuildError(
            f"the Hub did not take {plan.repo}: {why}; what is uploaded is kept: run again"
        ) from error
    except (OfflineModeIsEnabled, HTTPError, OSError) as error:
        raise BuildError(
            f"the Hub cannot be reached: {_one_line(error)}; what is uploaded is kept: run again to go on"
        ) from error


def _upload(api: "HfApi", out: Path, plan: Plan, private: bool) -> str:
    repo = api.create_repo(plan.repo, repo_type="dataset", private=private or None, exist_ok=True)
    api.upload_folder(
        repo_id=repo.repo_id,
        repo_type="dataset",
        folder_path=out,
        allow_patterns=list(plan.files),
        delete_patterns=["data/*.parquet"],
        commit_message="A build of hmer-tasks",
    )
    return str(repo)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
