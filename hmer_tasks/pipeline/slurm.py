"""A job array of Slurm: its options, its submission, and the check whether it still runs.

The array's number is kept in LOGS/slurm_job, so that the same command, given again while tasks are queued
or running, does not submit a second array for the same shards.
"""

import subprocess
import sys
from pathlib import Path

from datatrove.executor.slurm import SlurmPipelineExecutor
from datatrove.pipeline.base import PipelineStep

from hmer_tasks.exceptions import BuildError, UsageError
from hmer_tasks.utils.files import atomic_write

_JOB = "slurm_job"
_WAIT = 60  # seconds for squeue to answer; a busy controller takes some


def array(step: PipelineStep, tasks: int, asked: dict[str, str], logs: Path) -> SlurmPipelineExecutor:
    """datatrove's executor with the user's Slurm options.

    Args:
        step: What each task runs.
        tasks: How many tasks.
        asked: Options by name: `partition`, `time`, `cpus`, `mem` (GB a cpu), `at-once`, `qos`, `job-name`;
            others go to sbatch as they are.
        logs: The folder for the engine's files.

    Returns:
        The executor; nothing is submitted yet.

    Raises:
        UsageError: There is no partition, or a number is none.
    """
    options = dict(asked)
    if "partition" not in options:
        raise UsageError("--on slurm needs --slurm partition=NAME (`sinfo` lists them)")
    try:
        numbers = {
            "cpus_per_task": int(options.pop("cpus", 1)),
            "mem_per_cpu_gb": int(options.pop("mem", 2)),
            "workers": int(options.pop("at-once", -1)),
        }
    except ValueError as error:
        raise UsageError(f"--slurm cpus, mem (GB a cpu) and at-once are whole numbers ({error})") from None
    activate = Path(sys.prefix) / "bin" / "activate"
    return SlurmPipelineExecutor(
        [step],
        tasks=tasks,
        time=options.pop("time", "24:00:00"),
        partition=options.pop("partition"),
        job_name=options.pop("job-name", "hmer-tasks"),
        qos=options.pop("qos", ""),
        venv_path=str(activate) if activate.exists() else None,
        env_command=None if activate.exists() else f'export PATH="{Path(sys.executable).parent}:$PATH"',
        sbatch_args=options,
        logging_dir=str(logs.absolute()),
        skip_completed=False,
        **numbers,
    )


def submit(executor: SlurmPipelineExecutor, logs: Path) -> None:
    """Submit the job array. Raises BuildError if that fails."""
    try:
        executor.run()
    except FileNotFoundError as error:
        raise BuildError(f"Slurm is not here: no command {error.filename!r}") from error
    except subprocess.CalledProcessError as error:
        raise BuildError(
            f"sbatch did not take the job (exit code {error.returncode}); {logs} says why"
        ) from error
    finally:
        if executor.job_id:  # of several arrays the last: it waits for the others
            atomic_write(logs / _JOB, f"{executor.job_id}\n")


def queued_job(logs: Path) -> str | None:
    """The number of the array submitted from here, if Slurm still has tasks of it; else None."""
    try:
        job = (logs / _JOB).read_text().strip()
    except OSError:
        return None
    # Each array waits for the one before, so the last one is enough.
    words = ["squeue", "--noheader", "--format=%A", f"--jobs={job}"]
    try:
        squeue = subprocess.run(words, capture_output=True, text=True, check=False, timeout=_WAIT)
    except FileNotFoundError:  # sbatch is called next, and reports it
        return None
    except subprocess.TimeoutExpired as error:
        raise BuildError(
            f"squeue does not say whether job {job} is still running: try again when it answers"
        ) from error
    # squeue fails for a number that Slurm no longer knows: those tasks have ended.
    return job if squeue.returncode == 0 and squeue.stdout.strip() else None
