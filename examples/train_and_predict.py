"""Build, train, predict, score: the whole way in one script, tiny, on a CPU, in about half a minute.

python examples/train_and_predict.py

Four pictures learnt by heart prove that the pieces fit, and nothing about reading. The same four steps
with a corpus of yours and trainer/recipes/uni-mumer-qwen2.5-vl-3b.yaml are the real thing.
"""

import tempfile
from pathlib import Path

from hmer_tasks import evaluate
from hmer_tasks.pipeline import BuildOptions, build
from hmer_tasks.predictions import read_predictions
from trainer import predict, sft

recipe = Path(__file__).parent.parent / "trainer" / "recipes" / "tiny-cpu.yaml"
with tempfile.TemporaryDirectory() as scratch:
    shards, model, answers = (f"{scratch}/{name}" for name in ("shards", "model", "answers.jsonl"))
    build(BuildOptions("sample", out=Path(shards), limit=4))
    flags = "--max_steps 120 --per_device_train_batch_size 4 --task_weights recognition"
    decay = ["--lr_scheduler_kwargs", '{"num_decay_steps": 100, "decay_type": "linear"}']
    arguments = ["--config", str(recipe), "--data", shards, "--output_dir", model, *flags.split(), *decay]
    sft.train(*sft.parse(arguments))
    asked = ["--model", model, "--data", shards, "--out", answers, "--temperature", "0"]
    predict.predict(predict.parser().parse_args([*asked, "--max_new_tokens", "200"]))
    read = list(read_predictions(Path(answers)))
    for prediction in read:
        print(f"{prediction.id}: {prediction.pred}")
    print(f"ExpRate {evaluate([(prediction.gt, prediction.pred) for prediction in read])['exprate']}")
