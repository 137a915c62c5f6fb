"""FSDP2 on two CPU processes: accelerate takes FSDP for GPUs alone and falls back to DDP without a word.

torchrun --nproc_per_node 2 tests/trainer/fsdp_on_cpu.py <flags of trainer.sft> --fsdp true --fsdp_config FILE

Everything behind that switch runs on a CPU (gloo), so it is switched on here.
"""

from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import DistributedType

from trainer import faults, sft

init = AcceleratorState.__init__


def with_fsdp(self, *arguments, fsdp_plugin=None, **named):
    init(self, *arguments, fsdp_plugin=fsdp_plugin, **named)
    if fsdp_plugin is not None and self.distributed_type == DistributedType.MULTI_CPU:
        PartialState._shared_state["distributed_type"] = self.distributed_type = DistributedType.FSDP
        self.fsdp_plugin = fsdp_plugin


AcceleratorState.__init__ = with_fsdp
faults.run("trainer.sft", sft.main)
