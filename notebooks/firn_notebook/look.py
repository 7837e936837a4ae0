"""Colours and axes, the same in every chart."""

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

BLUE, ORANGE, GREEN, RED, GREY = "#2b6cb0", "#dd6b20", "#2f855a", "#c53030", "#718096"
PALETTE = [BLUE, ORANGE, GREEN, "#805ad5", "#b7791f", "#319795", "#d53f8c", GREY]

plt.rcParams.update(
    {
        "figure.dpi": 96,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titleweight": "bold",
        "axes.titlesize": 11,
        "axes.titlelocation": "left",
        "axes.grid": True,
        "grid.color": "#e2e8f0",
        "axes.axisbelow": True,
        "legend.frameon": False,
        "font.size": 9.5,
    }
)


def short(value: float, _position: int = 0) -> str:
    """A short label for a count: 950, 1.5 k, 2 M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"


def counts(axes: Axes, which: str = "y") -> None:
    """Formats an axis for counts, starting at zero."""
    getattr(axes, f"{which}axis").set_major_formatter(FuncFormatter(short))
    if which == "y":
        axes.set_ylim(bottom=0)
    else:
        axes.set_xlim(left=0)


def message(axes: Axes, text: str) -> None:
    """Shows a text instead of data."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY)
