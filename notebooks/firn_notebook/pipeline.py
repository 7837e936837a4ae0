"""Files become rows: what comes in, how late it is, and what it costs."""

import time

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import display

from . import look
from .account import Account, Local, named

MOMENT = """
select sysdate() as at,
  (select count(*) from CUSTOMER) as target,
  (select count(*) from CUSTOMER_HISTORY) as history,
  (select count(*) from CUSTOMER_STAGING) as waiting
"""
FILES = """
select source_file, run_id, rows_in, history, duplicates, rejects, inserted, updated, deleted,
  convert_timezone('UTC', landed_at)::timestamp_ntz as landed_at, finished_at,
  datediff(millisecond, convert_timezone('UTC', landed_at)::timestamp_ntz, finished_at) / 1000 as lag_seconds
from CUSTOMER_RUNS
where source_file <> 'manual change'
order by finished_at, source_file
"""
CREDITS = """
select convert_timezone('UTC', start_time)::timestamp_ntz as hour, warehouse_name as warehouse, credits_used as credits
from table(information_schema.warehouse_metering_history(dateadd(day, -1, current_date()), current_date()))
order by start_time
"""


def open_pipeline(rate: int = 500, seed: int = 42) -> Account:
    """The account that the environment names, whose pipeline runs already; without one a Snowglobe here, where
    ``firn generate`` writes files at ``rate`` events a second and ``firn watch`` puts each of them.
    """
    if account := named():
        return account
    local = Local()
    landing = local.folder / "landing"
    landing.mkdir()
    changes = "--updates 50% --deletes 5% --late 2% --duplicates 2% --dirty 0.2% --no-manifest --quiet"
    arguments = ["--rate", str(rate), "--every", "2s", "--initial", "1000", "--seed", str(seed), "--out", str(landing)]
    log = (local.folder / "log").open("w")
    local.start("firn", ["generate", *changes.split(), *arguments], stdout=log, stderr=log)
    local.start("firn", ["watch", str(landing), "--no-merge"], stdout=log, stderr=log)
    return local


def follow(account: Account, seconds: float = 30, every: float = 1) -> pd.DataFrame:
    """Draws what arrives, live, for so many seconds, and returns the moments seen."""
    figure, axes = plt.subplots(1, 3, figsize=(12.5, 3.2), layout="constrained")
    shown = display(figure, display_id=True)
    moments = pd.DataFrame()
    ends = time.monotonic() + seconds
    while True:
        moments = pd.concat([moments, account.query(MOMENT)], ignore_index=True)
        _draw(axes, moments, files(account))
        shown.update(figure)
        if time.monotonic() >= ends:
            break
        time.sleep(every)
    plt.close(figure)
    return moments


def _draw(axes, moments: pd.DataFrame, done: pd.DataFrame) -> None:
    for one in axes:
        one.clear()
    seconds = (moments["at"] - moments["at"].iloc[0]).dt.total_seconds()
    rows, pace, lag = axes
    last = moments.iloc[-1]
    rows.plot(seconds, moments["history"], color=look.BLUE, label=f"history {look.short(last['history'])}")
    rows.plot(seconds, moments["target"], color=look.GREEN, label=f"target {look.short(last['target'])}")
    rows.fill_between(seconds, moments["waiting"], color=look.ORANGE, alpha=0.6, label=f"waiting {look.short(last['waiting'])}")
    rows.set(title="Rows", xlabel="seconds since the start", ylabel="rows")
    rows.legend(loc="upper left")
    look.counts(rows)

    gained = moments["history"].diff() / seconds.diff()
    pace.bar(seconds, gained, width=0.8 * seconds.diff().median() if len(seconds) > 1 else 0.8, color=look.BLUE)
    pace.set(title="Throughput", xlabel="seconds since the start", ylabel="rows a second into the history")
    look.counts(pace)

    if len(done):
        late = done.tail(200)
        at = (pd.to_datetime(late["finished_at"]) - moments["at"].iloc[0]).dt.total_seconds()
        lag.scatter(at, late["lag_seconds"].astype(float), s=18, color=look.ORANGE)
        typical = late["lag_seconds"].astype(float).median()
        lag.axhline(typical, color=look.GREY, linestyle="--", linewidth=1)
        lag.annotate(
            f"median {typical:.2f} s",
            (0.98, typical),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="bottom",
            color=look.GREY,
        )
    lag.set(title="Lag of each file", xlabel="merged, seconds since the start", ylabel="seconds from landing to history")
    lag.set_ylim(bottom=0)


def files(account: Account) -> pd.DataFrame:
    """The account of every file: rows in = history + duplicates + rejects."""
    return account.query(FILES)


def totals(account: Account) -> pd.DataFrame:
    """The account of all files, and whether the sum holds."""
    every = files(account)[["rows_in", "history", "duplicates", "rejects", "inserted", "updated", "deleted"]]
    sums = every.astype("int64").sum().to_frame("rows")
    sums.loc["rows_in - history - duplicates - rejects"] = (
        sums.loc["rows_in"] - sums.loc["history"] - sums.loc["duplicates"] - sums.loc["rejects"]
    )
    return sums


def lag(account: Account) -> plt.Figure:
    """How long files wait between landing and being history."""
    seconds = files(account)["lag_seconds"].astype(float)
    figure, axes = plt.subplots(figsize=(7, 2.8), layout="constrained")
    axes.hist(seconds, bins=30, color=look.BLUE)
    for share, colour in ((0.5, look.GREEN), (0.95, look.RED)):
        at = seconds.quantile(share)
        axes.axvline(at, color=colour, linestyle="--")
        axes.annotate(
            f" {share:.0%}: {at:.2f} s", (at, 0.9 if share == 0.5 else 0.75), xycoords=("data", "axes fraction"), color=colour
        )
    axes.set(title=f"Lag of {len(seconds)} files", xlabel="seconds from landing to history", ylabel="files")
    look.counts(axes, "x")
    plt.close(figure)
    return figure


def credits_used(account: Account) -> plt.Figure:
    """What the warehouses have used, hour by hour."""
    used = account.query(CREDITS)
    figure, axes = plt.subplots(figsize=(7, 2.6), layout="constrained")
    hour = pd.Timedelta(hours=1)
    used["hour"] = pd.to_datetime(used["hour"])
    for colour, (warehouse, hours) in zip(look.PALETTE, used.groupby("warehouse"), strict=False):
        axes.bar(hours["hour"], hours["credits"].astype(float), width=0.9 * hour, align="edge", color=colour, label=warehouse)
    total = used["credits"].astype(float).sum()
    axes.set(title=f"Credits since yesterday: {total:.3f}", xlabel="hour (UTC)", ylabel="credits")
    axes.set_ylim(bottom=0)
    if len(used):
        axes.set_xlim(used["hour"].max() - 23 * hour, used["hour"].max() + hour)
        axes.xaxis.set_major_locator(mdates.HourLocator(interval=4))
        axes.xaxis.set_major_formatter(mdates.DateFormatter("%d %b %H:%M"))
        axes.legend(loc="upper left")
    plt.close(figure)
    return figure
