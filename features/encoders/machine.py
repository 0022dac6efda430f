"""What an encoder's vectors depend on beside its own files: packages, processor and environment, by digests.

Finding this out imports none of the packages, torch least of all. Two runs with equal descriptions compute with the
same engine, so that what one of them checked of it holds for the other.
"""

from __future__ import annotations

import hashlib
import os
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "numpy")
"""What computes vectors where torch is the engine."""
PREFIXES = (
    "ATEN_",
    "CUDA_",
    "DNNL_",
    "GOMP_",
    "KMP_",
    "LD_",
    "MKL_",
    "NVIDIA_",
    "OMP_",
    "ONEDNN_",
    "OPENBLAS_",
    "PYTORCH_",
    "TOKENIZERS_",
    "TORCH_",
)
"""Of names of environment variables that such packages heed."""
PROCESSORS, DEVICES = Path("/proc/cpuinfo"), Path("/dev")
TRAITS = ("vendor_id", "cpu family", "model", "model name", "stepping", "microcode", "flags", "Features", "CPU part")


def engine_description() -> list[str] | None:
    """What vectors depend on, as texts; None where it cannot be found out: another system than Linux, or packages that
    keep no record of their files.
    """
    try:
        processors = PROCESSORS.read_text().split("\n\n")
        packages = [_package(name) for name in PACKAGES]
        devices = sorted(device.name for device in DEVICES.glob("nvidia*"))
    except (OSError, PackageNotFoundError):
        return None
    if None in packages:
        return None
    traits = sorted({line for one in processors for line in one.splitlines() if line.split("\t")[0] in TRAITS})
    environment = sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith(PREFIXES))
    own = f"creditfusion {version('creditfusion')}"
    return [own, *(one for one in packages if one), *devices, *traits, *environment]


def _package(name: str) -> str | None:
    """Digest of the record that an installation keeps of its files and theirs."""
    record = distribution(name).read_text("RECORD")
    return f"{name} {hashlib.sha256(record.encode()).hexdigest()}" if record else None
