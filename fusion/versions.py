"""Versions of what figures depend on."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

VERSIONED = ("creditfusion", "torch", "transformers", "lightgbm", "numpy", "scipy", "pandas", "pyarrow", "scikit-learn")


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that figures depend on; packages that are not installed are left out."""
    found = {"python": platform.python_version()}
    for name in VERSIONED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
