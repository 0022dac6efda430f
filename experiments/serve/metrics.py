"""What the service counts, as Prometheus text: numbers by endpoint, status and model, and nothing of anybody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds, upper bounds of the histogram of answers."""


@dataclass(eq=False)
class Metrics:
    """Counters since the start.

    Attributes:
        requests: By endpoint and status.
        rows: By what became of them: a route and ``scored``, or ``rejected``.
        slow: By place among ``BOUNDS``, past the last for slower ones; of answered ``/score`` requests.
        seconds: Their sum.
    """

    requests: Counter[tuple[str, int]] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    slow: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0

    def took(self, seconds: float) -> None:
        """Count how long a request took."""
        self.slow[sum(seconds > bound for bound in BOUNDS)] += 1
        self.seconds += seconds

    def text(self, gauges: Mapping[str, float]) -> str:
        """All counters, and gauges by name."""
        lines = ["# TYPE creditfusion_requests_total counter"]
        for (endpoint, status), count in sorted(self.requests.items()):
            lines.append(f'creditfusion_requests_total{{endpoint="{endpoint}",status="{status}"}} {count}')
        lines.append("# TYPE creditfusion_rows_total counter")
        lines += [f'creditfusion_rows_total{{outcome="{name}"}} {count}' for name, count in sorted(self.rows.items())]
        lines.append("# TYPE creditfusion_seconds histogram")
        total = 0
        for at, bound in enumerate((*map(str, BOUNDS), "+Inf")):
            total += self.slow[at]
            lines.append(f'creditfusion_seconds_bucket{{le="{bound}"}} {total}')
        lines += [f"creditfusion_seconds_sum {self.seconds:.6f}", f"creditfusion_seconds_count {total}"]
        for name, value in gauges.items():
            lines += [f"# TYPE creditfusion_{name} gauge", f"creditfusion_{name} {value:g}"]
        return "\n".join(lines) + "\n"
