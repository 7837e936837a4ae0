"""The history: the timeline of a customer, the table at a point in time, cohorts, and what the tutorials' pipeline loses."""

import itertools
from pathlib import Path

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import pandas as pd

from . import look
from .account import Account, Local, from_environment
from .generator import Generator
from .paths import root

VALUES = ["first_name", "last_name", "email", "phone", "street", "city", "state", "postal_code", "country"]


def open_history(events: int = 40_000, files: int = 8, seed: int = 7) -> Account:
    """The account in the environment. By default a local Snowglobe, into which ``firn put`` loads two years of events, file by
    file, one of the files late.
    """
    if account := from_environment():
        return account
    local = Local()
    two_years = 2 * 365 * 86_400 * 1_000_000
    options = {
        "seed": seed,
        "locales": ["us", "de", "fr", "jp"],
        "rows_per_file": events // files,
        "initial": events // 8,
        "updates": 0.62,
        "deletes": 0.08,
        "returns": 0.05,
        "late": 0.03,
        "duplicates": 0.03,
        "gap_micros": two_years // events,
        "start_micros": 1_704_067_200_000_000,
    }
    paths = []
    with Generator(end=events, **options) as generator:
        for number, content in enumerate(generator.files()):
            path = local.folder / f"customers-{number:04}.csv"
            path.write_bytes(content)
            paths.append(str(path))
    # The second file comes last but one: the order of files must not matter.
    paths.insert(len(paths) - 1, paths.pop(1))
    for path in paths:
        local.firn("put", path)
    return local


def size(account: Account) -> pd.DataFrame:
    """The number of versions and customers, and the time range."""
    return account.query("""
        select count(*) as versions, count(distinct customer_id) as customers,
          count(iff(is_current and op <> 'D', 1, null)) as current_customers,
          min(valid_from) as first_change, max(valid_from) as last_change
        from CUSTOMER_HISTORY
    """)


def busiest(account: Account) -> int:
    """The customer with the most versions."""
    found = account.query("""
        select customer_id from CUSTOMER_HISTORY group by customer_id order by count(*) desc, customer_id limit 1
    """)
    return int(found.iloc[0, 0])


def versions(account: Account, customer: int) -> pd.DataFrame:
    """The versions of a customer, oldest first. The current version has no end."""
    return account.query(
        f"select valid_from, valid_to, op, {', '.join(VALUES)} from CUSTOMER_HISTORY"
        " where customer_id = %s and (valid_to is null or valid_to > valid_from) order by valid_from",
        (customer,),
    )


def timeline(account: Account, customer: int) -> plt.Figure:
    """A row for each attribute that has changed: each colour is a value, a gap is a time in which the customer was deleted."""
    found = versions(account, customer)
    end = account.query("select max(valid_from) from CUSTOMER_HISTORY").iloc[0, 0]
    existing = found[found["op"] != "D"]
    lanes = [name for name in VALUES if existing[name].nunique(dropna=False) > 1] or VALUES[:1]
    figure, axes = plt.subplots(figsize=(12, 0.55 * len(lanes) + 1.1), layout="constrained")
    for at, name in enumerate(reversed(lanes)):
        colours = itertools.cycle(look.PALETTE)
        # Consecutive versions with the same value are one bar.
        starts = existing[name].ne(existing[name].shift()) | existing["valid_from"].ne(existing["valid_to"].shift())
        for _, group in existing.groupby(starts.cumsum()):
            begin = mdates.date2num(group["valid_from"].iloc[0])
            last = group["valid_to"].iloc[-1]
            stop = mdates.date2num(end if pd.isna(last) else last)
            axes.barh(at, stop - begin, left=begin, height=0.72, color=next(colours), edgecolor="white")
            value = group[name].iloc[0]
            room = int((stop - begin) / max(mdates.date2num(end) - mdates.date2num(found["valid_from"].min()), 1e-9) * 130)
            text = "" if pd.isna(value) else str(value)
            if room > 3:
                text = text if len(text) <= room else text[: room - 1] + "…"
                axes.text(begin, at, f" {text}", va="center", color="white", fontsize=8, clip_on=True)
    axes.set_yticks(range(len(lanes)), reversed(lanes))
    axes.xaxis_date()
    axes.grid(visible=False, axis="y")
    axes.set(title=f"Customer {customer}: {len(found)} versions", xlabel="time (UTC)")
    plt.close(figure)
    return figure


def as_of(account: Account, at: str, limit: int = 5) -> pd.DataFrame:
    """The customers at a point in time (UTC)."""
    return account.query(
        f"select customer_id, {', '.join(VALUES)} from CUSTOMER_HISTORY"
        " where valid_from <= to_timestamp_ntz(%s) and (valid_to is null or valid_to > to_timestamp_ntz(%s)) and op <> 'D'"
        f" order by customer_id limit {int(limit)}",
        (at, at),
    )


def population(account: Account) -> plt.Figure:
    """The number of customers per country over time."""
    changes = account.query("""
        select valid_from as at, country, count(*) as change from CUSTOMER_HISTORY
        where op <> 'D' and (valid_to is null or valid_to > valid_from) group by 1, 2
        union all
        select valid_to, country, -count(*) from CUSTOMER_HISTORY
        where op <> 'D' and valid_to > valid_from group by 1, 2
    """)
    changes["change"] = changes["change"].astype("int64")
    totals = changes.pivot_table(index="at", columns="country", values="change", aggfunc="sum", fill_value=0).cumsum()
    figure, axes = plt.subplots(figsize=(9, 3.2), layout="constrained")
    axes.stackplot(totals.index, totals.T.to_numpy(), labels=totals.columns, colors=look.PALETTE, step="post")
    axes.set(title="Customers over time", xlabel="time (UTC)", ylabel="customers")
    look.counts(axes)
    axes.legend(loc="upper left", ncols=3)
    plt.close(figure)
    return figure


def cohorts(account: Account) -> plt.Figure:
    """The retention of customers, grouped by the period in which they were created."""
    customers = account.query("""
        select customer_id, min(valid_from) as created, max(iff(op = 'D' and is_current, valid_from, null)) as deleted
        from CUSTOMER_HISTORY group by customer_id
    """)
    first, last = customers["created"].min(), account.query("select max(valid_from) from CUSTOMER_HISTORY").iloc[0, 0]
    step, unit = _period((last - first) / 8)
    customers["cohort"] = (customers["created"] - first) // step
    periods = int((last - first) // step) + 1
    table = pd.DataFrame(index=range(periods), columns=range(periods), dtype=float)
    for cohort, members in customers.groupby("cohort"):
        for age in range(periods - int(cohort)):
            at = first + step * (cohort + age + 1)
            table.loc[int(cohort), age] = float((members["deleted"].isna() | (members["deleted"] > at)).mean())
    figure, axes = plt.subplots(figsize=(8, 0.42 * periods + 1.2), layout="constrained")
    image = axes.imshow(table.to_numpy(dtype=float), cmap="YlGnBu", vmin=0, vmax=1, aspect="auto")
    for (row, column), retention in table.stack().dropna().items():
        colour = "white" if retention > 0.6 else "black"
        axes.text(column, row, f"{retention:.0%}", ha="center", va="center", fontsize=8, color=colour)
    starts = [first + step * number for number in range(periods)]
    time_format = "%d %b %Y" if step >= pd.Timedelta(days=1) else "%H:%M:%S"
    created = customers.groupby("cohort").size()
    axes.set_yticks(
        range(periods),
        [f"{at.strftime(time_format)} ({look.short(created.get(number, 0))})" for number, at in enumerate(starts)],
    )
    axes.set_xticks(range(periods), [f"{age + 1}" for age in range(periods)])
    axes.grid(visible=False)
    axes.set(title="Retention by cohort", xlabel=f"age in periods of {unit}", ylabel="created from (customers)")
    figure.colorbar(image, ax=axes, format=lambda retention, _at: f"{retention:.0%}", label="retention")
    plt.close(figure)
    return figure


def _period(minimum: pd.Timedelta) -> tuple[pd.Timedelta, str]:
    """A round period of about ``minimum`` or more, and its name."""
    names = {
        "5 seconds": 5,
        "15 seconds": 15,
        "1 minute": 60,
        "5 minutes": 300,
        "15 minutes": 900,
        "1 hour": 3600,
        "6 hours": 21_600,
        "1 day": 86_400,
        "1 week": 604_800,
        "30 days": 2_592_000,
        "91 days": 7_862_400,
        "1 year": 31_536_000,
    }
    for name, seconds in names.items():
        if pd.Timedelta(seconds=seconds) >= 0.9 * minimum:
            return pd.Timedelta(seconds=seconds), name
    return pd.Timedelta(days=3650), "10 years"


class Tutorial:
    """Compares the pipeline of the usual tutorials with Firn on the same events.

    Loads the events in Firn's history, file by file in their order of arrival, into the tutorials' pipeline: MERGE with a
    comparison by ``<>``, TRUNCATE, and a history fed by a stream. ``drop`` drops its tables.
    """

    def __init__(self, account: Account, files: int = 20):
        self._account = account
        scripts = next(
            folder for folder in (root() / "bench/tutorial", Path(__file__).parents[1] / "tutorial") if folder.exists()
        )
        _run(account, (scripts / "setup.sql").read_text())
        batch = _statements((scripts / "batch.sql").read_text())
        columns = f"customer_id, {', '.join(VALUES)}, updated_at, sequence"
        source_files = account.query("""
            select source_file, count(*) as events from CUSTOMER_HISTORY group by source_file order by min(loaded_at), source_file
        """)["source_file"]
        for name in source_files.head(files):
            for statement in batch:
                if statement.lower().startswith("copy into"):
                    # The rows that COPY would load from the file, except duplicates and malformed rows.
                    account.run(
                        f"insert into TUTORIAL_RAW ({columns}) select {columns} from CUSTOMER_HISTORY where source_file = %s",
                        (name,),
                    )
                else:
                    account.run(statement)
        self._files = tuple(source_files.head(files))

    def drop(self) -> None:
        """Drops the tables of the tutorials' pipeline."""
        for thing in (
            "view TUTORIAL_CHANGE_DATA",
            "stream TUTORIAL_CHANGES",
            "table TUTORIAL_HISTORY",
            "table TUTORIAL_CUSTOMER",
            "table TUTORIAL_RAW",
        ):
            self._account.run(f"drop {thing}")

    def comparison(self) -> pd.DataFrame:
        """The versions and customers that each pipeline keeps and loses."""
        marks = ", ".join(["%s"] * len(self._files))
        columns = ", ".join(VALUES)
        same = " and ".join(f"equal_null(a.{name}, b.{name})" for name in VALUES)
        true_versions = (
            f"select distinct customer_id, {columns} from CUSTOMER_HISTORY where op <> 'D' and source_file in ({marks})"
        )
        theirs = f"select distinct customer_id, {columns} from TUTORIAL_HISTORY"
        latest = (
            f"select customer_id, op, {columns} from CUSTOMER_HISTORY where source_file in ({marks})"
            " qualify row_number() over (partition by customer_id order by updated_at desc, sequence desc) = 1"
        )
        count = (
            self._account.query(
                f"""
            select
              (select count(*) from ({true_versions})) as versions,
              (select count(*) from ({true_versions}) a
                where not exists (select 1 from ({theirs}) b where a.customer_id = b.customer_id and {same})) as lost,
              (select count(*) from ({latest}) where op <> 'D') as customers,
              (select count(*) from ({latest}) a where op <> 'D'
                and not exists (select 1 from TUTORIAL_CUSTOMER b
                  where a.customer_id = b.customer_id and {same})) as stale,
              (select count(*) from TUTORIAL_CUSTOMER b
                where exists (select 1 from ({latest}) a where a.customer_id = b.customer_id and a.op = 'D')) as ghosts
            """,
                self._files * 5,
            )
            .iloc[0]
            .astype("int64")
        )
        return pd.DataFrame(
            {
                "Firn": [count["versions"], 0, count["customers"], 0, 0],
                "tutorials": [
                    count["versions"] - count["lost"],
                    count["lost"],
                    count["customers"] - count["stale"],
                    count["stale"],
                    count["ghosts"],
                ],
            },
            index=["versions kept", "versions lost", "customers correct", "customers wrong", "deleted customers kept"],
        )

    def chart(self) -> plt.Figure:
        """The comparison as a chart."""
        table = self.comparison()
        figure, axes = plt.subplots(1, 2, figsize=(11, 2.4), layout="constrained")
        parts = [
            (axes[0], "Versions of customers", [("versions kept", look.GREEN), ("versions lost", look.RED)]),
            (
                axes[1],
                "Customers in the current table",
                [
                    ("customers correct", look.GREEN),
                    ("customers wrong", look.RED),
                    ("deleted customers kept", look.ORANGE),
                ],
            ),
        ]
        for one, title, rows in parts:
            left = pd.Series(0, index=table.columns)
            for name, colour in rows:
                one.barh(table.columns, table.loc[name], left=left, color=colour, label=name)
                for pipeline in table.columns:
                    value = table.loc[name, pipeline]
                    if value > 0.1 * table.loc[[row for row, _ in rows]].sum().max():
                        one.text(left[pipeline] + value / 2, pipeline, look.short(value), ha="center", va="center", color="white")
                left = left + table.loc[name]
            one.invert_yaxis()
            one.grid(visible=False, axis="y")
            one.set(title=title, xlabel="count")
            look.counts(one, "x")
            one.legend(loc="upper center", bbox_to_anchor=(0.5, -0.32), ncols=3)
        axes[1].set_yticklabels([])
        plt.close(figure)
        return figure

    def versions(self, customer: int) -> pd.DataFrame:
        """The versions of a customer in the tutorials' history."""
        return self._account.query(
            f"select start_time, end_time, is_current, {', '.join(VALUES)} from TUTORIAL_HISTORY"
            " where customer_id = %s order by start_time",
            (customer,),
        )


def _statements(script: str) -> list[str]:
    """The statements of a script, without comments. A statement ends with a semicolon at the end of a line."""
    lines = [line for line in script.splitlines() if not line.lstrip().startswith("--")]
    return [text.strip() for text in "\n".join(lines + [""]).split(";\n") if text.strip()]


def _run(account: Account, script: str) -> None:
    for statement in _statements(script):
        account.run(statement)
