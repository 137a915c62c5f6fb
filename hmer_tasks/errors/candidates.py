"""The wrong candidates that prediction files hold for a build (`build --errors FILE`)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from hmer_tasks.errors.equivalence import is_equivalent
from hmer_tasks.exceptions import PredictionError
from hmer_tasks.latex.tables import tables
from hmer_tasks.predictions import Prediction, explicit_or_raw, read_predictions


@dataclass(slots=True)
class Candidates:
    """Wrong candidates by (source, id), or by id where a file names no source."""

    by_sample: dict[tuple[str, str], list[Prediction]] = field(default_factory=dict)

    def all_wrong(self, source: str, id: str, label: str, as_written: str | None = None) -> list[str]:
        """Every candidate that is wrong on paper, once, in explicit form if it parses.

        Args:
            source: Of the sample.
            id: Of the sample.
            label: Its label in explicit form.
            as_written: Its label as its owners wrote it, before normalization and repair.

        Returns:
            The candidates.

        Raises:
            PredictionError: The file's label is neither of the two, nor the same on paper.
        """
        own = (label if as_written is None else as_written).split()
        wrong: dict[str, None] = {}
        for prediction in [*self.by_sample.get((source, id), ()), *self.by_sample.get(("", id), ())]:
            if prediction.gt.split() != own and not _same_label(prediction.gt, label):
                raise PredictionError(
                    f"the predictions are of another label of {id}: they have {prediction.gt:.200}, the "
                    f"corpus has {' '.join(own):.200}; leave its lines out, or read its picture again"
                )
            candidate = explicit_or_raw(prediction.pred)
            if tables().reserved.isdisjoint(candidate.split()) and not is_equivalent(candidate, label):
                wrong[candidate] = None
        return list(wrong)

    def count_used(self, ids: Iterable[tuple[str, str]]) -> int:
        """How many samples of the file are among these.

        Args:
            ids: Source and id of each sample of the corpus.

        Returns:
            Their number.
        """
        known = self.by_sample.keys()
        return len({key for source, id in ids for key in ((source, id), ("", id)) if key in known})


def read_candidates(path: Path) -> Candidates:
    """The wrong predictions of a file. Raises PredictionError."""
    candidates = Candidates()
    for prediction in read_predictions(path):
        candidates.by_sample.setdefault((prediction.source, prediction.id), []).append(prediction)
    return candidates


def _same_label(gt: str, label: str) -> bool:
    return gt.split() == label.split() or is_equivalent(explicit_or_raw(gt), label)
