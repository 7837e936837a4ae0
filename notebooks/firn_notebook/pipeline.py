"""The pipeline, live: the rows it loads, its lag, and its cost."""

import time

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import display
from snowflake.connector.errors import ProgrammingError

from . import look
from .account import Account, Local, from_environment

COUNTS = """
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
# Without an end, so that the current hour is included in every time zone.
CREDITS = """
select convert_timezone('UTC', start_time)::timestamp_ntz as hour, warehouse_name as warehouse, credits_used as credits
from table(information_schema.warehouse_metering_history(dateadd(day, -1, current_date())))
where credits_used > 0
order by start_time
"""
RUNS = """
select min(started_at) as started_at, max(finished_at) as finished_at
from CUSTOMER_RUNS
where finished_at >= dateadd(day, -1, sysdate())
group by run_id
order by 1
"""
# The warehouse that `firn bootstrap` creates.
CREDITS_PER_HOUR = 1
AUTO_SUSPEND = pd.Timedelta(seconds=60)


def open_pipeline(rate: int = 500, seed: int = 42) -> Account:
    """The account in the environment, whose pipeline already runs. By default a local Snowglobe, with ``firn generate``
    writing files at ``rate`` events per second and ``firn watch`` loading them.
    """
    if account := from_environment():
        return account
    local = Local()
    folder = local.folder / "input"
    folder.mkdir()
    changes = "--updates 50% --deletes 5% --late 2% --duplicates 2% --malformed 0.2% --no-manifest --quiet"
    arguments = ["--rate", str(rate), "--every", "2s", "--initial", "1000", "--seed", str(seed), "--out", str(folder)]
    log = (local.folder / "log").open("w")
    local.start("firn", ["generate", *changes.split(), *arguments], stdout=log, stderr=log)
    local.start("firn", ["watch", str(folder), "--no-merge"], stdout=log, stderr=log)
    return local


def follow(account: Account, seconds: float = 30, every: float = 1) -> pd.DataFrame:
    """Draws the progress live for ``seconds`` and returns the row counts over time."""
    figure, axes = plt.subplots(1, 3, figsize=(12.5, 3.2), layout="constrained")
    shown = display(figure, display_id=True)
    counts = pd.DataFrame()
    deadline = time.monotonic() + seconds
    while True:
        counts = pd.concat([counts, account.query(COUNTS)], ignore_index=True)
        _draw(axes, counts, files(account))
        shown.update(figure)
        if time.monotonic() >= deadline:
            break
        time.sleep(every)
    plt.close(figure)
    return counts


def _draw(axes, counts: pd.DataFrame, merged: pd.DataFrame) -> None:
    for one in axes:
        one.clear()
    seconds = (counts["at"] - counts["at"].iloc[0]).dt.total_seconds()
    rows, throughput, lag = axes
    last = counts.iloc[-1]
    rows.plot(seconds, counts["history"], color=look.BLUE, label=f"history {look.short(last['history'])}")
    rows.plot(seconds, counts["target"], color=look.GREEN, label=f"target {look.short(last['target'])}")
    rows.fill_between(seconds, counts["waiting"], color=look.ORANGE, alpha=0.6, label=f"waiting {look.short(last['waiting'])}")
    rows.set(title="Rows", xlabel="seconds since the start", ylabel="rows")
    rows.legend(loc="upper left")
    look.counts(rows)

    per_second = counts["history"].diff() / seconds.diff()
    width = 0.8 * seconds.diff().median() if len(seconds) > 1 else 0.8
    throughput.bar(seconds, per_second, width=width, color=look.BLUE)
    throughput.set(title="Throughput", xlabel="seconds since the start", ylabel="history rows per second")
    look.counts(throughput)

    if len(merged):
        latest = merged.tail(200)
        at = (pd.to_datetime(latest["finished_at"]) - counts["at"].iloc[0]).dt.total_seconds()
        lag.scatter(at, latest["lag_seconds"].astype(float), s=18, color=look.ORANGE)
        median = latest["lag_seconds"].astype(float).median()
        lag.axhline(median, color=look.GREY, linestyle="--", linewidth=1)
        lag.annotate(
            f"median {median:.2f} s",
            (0.98, median),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="bottom",
            color=look.GREY,
        )
    lag.set(title="Lag of each file", xlabel="merged, seconds since the start", ylabel="seconds from upload to history")
    lag.set_ylim(bottom=0)


def files(account: Account) -> pd.DataFrame:
    """The run log of all files: rows in = history + duplicates + rejects."""
    return account.query(FILES)


def totals(account: Account) -> pd.DataFrame:
    """The sums over all files. The last line is 0 if no row is lost."""
    counts = files(account)[["rows_in", "history", "duplicates", "rejects", "inserted", "updated", "deleted"]]
    sums = counts.astype("int64").sum().to_frame("rows")
    sums.loc["rows_in - history - duplicates - rejects"] = (
        sums.loc["rows_in"] - sums.loc["history"] - sums.loc["duplicates"] - sums.loc["rejects"]
    )
    return sums


def lag(account: Account) -> plt.Figure:
    """The distribution of the time from upload to history."""
    seconds = files(account)["lag_seconds"].astype(float)
    figure, axes = plt.subplots(figsize=(7, 2.8), layout="constrained")
    axes.hist(seconds, bins=30, color=look.BLUE)
    for quantile, colour in ((0.5, look.GREEN), (0.95, look.RED)):
        at = seconds.quantile(quantile)
        axes.axvline(at, color=colour, linestyle="--")
        height = 0.9 if quantile == 0.5 else 0.75
        axes.annotate(f" {quantile:.0%}: {at:.2f} s", (at, height), xycoords=("data", "axes fraction"), color=colour)
    axes.set(title=f"Lag of {len(seconds)} files", xlabel="seconds from upload to history", ylabel="files")
    look.counts(axes, "x")
    plt.close(figure)
    return figure


def credits_used(account: Account) -> plt.Figure:
    """The credits that the warehouses used since yesterday, by hour. Snowflake meters with a delay of up to three hours: until
    then, an estimate from the run log.
    """
    try:
        used, source = account.query(CREDITS), "metered"
    except ProgrammingError:
        # The role lacks MONITOR USAGE.
        used, source = pd.DataFrame(), "metered"
    if used.empty:
        runs = account.query(RUNS)
        used, source = estimate(runs), f"estimated from {len(runs)} merge runs"
    figure, axes = plt.subplots(figsize=(7, 2.6), layout="constrained")
    axes.set(xlabel="hour (UTC)", ylabel="credits")
    if used.empty:
        axes.set(title="Credits since yesterday: 0", xticks=[], yticks=[])
        look.message(axes, "no credits used since yesterday")
        plt.close(figure)
        return figure
    hour = pd.Timedelta(hours=1)
    used["hour"] = pd.to_datetime(used["hour"])
    for colour, (warehouse, hours) in zip(look.PALETTE, used.groupby("warehouse"), strict=False):
        axes.bar(hours["hour"], hours["credits"].astype(float), width=0.9 * hour, align="edge", color=colour, label=warehouse)
    axes.set(title=f"Credits since yesterday: {used['credits'].astype(float).sum():.3f} ({source})")
    axes.set_ylim(bottom=0)
    axes.set_xlim(used["hour"].max() - 23 * hour, used["hour"].max() + hour)
    axes.xaxis.set_major_locator(mdates.HourLocator(interval=4))
    axes.xaxis.set_major_formatter(mdates.DateFormatter("%d %b %H:%M"))
    axes.legend(loc="upper left")
    plt.close(figure)
    return figure


def estimate(runs: pd.DataFrame) -> pd.DataFrame:
    """The credits per hour of merge runs, ordered by ``started_at``: the warehouse runs from the start of a run until it is idle
    for the auto-suspend time.
    """
    running: list[tuple[pd.Timestamp, pd.Timestamp]] = []
    for started, finished in zip(pd.to_datetime(runs["started_at"]), pd.to_datetime(runs["finished_at"]), strict=True):
        suspended = finished + AUTO_SUSPEND
        if running and started <= running[-1][1]:
            running[-1] = (running[-1][0], max(running[-1][1], suspended))
        else:
            running.append((started, suspended))
    hour = pd.Timedelta(hours=1)
    credits: dict[pd.Timestamp, float] = {}
    for started, suspended in running:
        at = started
        while at < suspended:
            start = at.floor("h")
            end = min(start + hour, suspended)
            credits[start] = credits.get(start, 0.0) + CREDITS_PER_HOUR * ((end - at) / hour)
            at = end
    return pd.DataFrame({"hour": credits.keys(), "warehouse": "FIRN_WH", "credits": credits.values()})
