"""What was when: one customer's timeline, the table as of a time, cohorts, and what the tutorials' way loses."""

import itertools
from pathlib import Path

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import pandas as pd

from . import look
from .account import Account, Local, named
from .generator import Generator
from .place import root

VALUES = ["first_name", "last_name", "email", "phone", "street", "city", "state", "postal_code", "country"]


def open_history(events: int = 40_000, files: int = 8, seed: int = 7) -> Account:
    """The account that the environment names; without one a Snowglobe here, into which two years of so many events are put,
    file by file, the files in an order of their own.
    """
    if account := named():
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
    # The second file comes last but one: order must not matter.
    paths.insert(len(paths) - 1, paths.pop(1))
    for path in paths:
        local.firn("put", path)
    return local


def size(account: Account) -> pd.DataFrame:
    """How much there is, and of when."""
    return account.query("""
        select count(*) as versions, count(distinct customer_id) as customers,
          count(iff(is_current and op <> 'D', 1, null)) as alive,
          min(valid_from) as since, max(valid_from) as until
        from CUSTOMER_HISTORY
    """)


def busiest(account: Account) -> int:
    """The customer with the most versions."""
    found = account.query("""
        select customer_id from CUSTOMER_HISTORY group by customer_id order by count(*) desc, customer_id limit 1
    """)
    return int(found.iloc[0, 0])


def versions(account: Account, customer: int) -> pd.DataFrame:
    """A customer's versions, the oldest first. An interval without an end is open."""
    return account.query(
        f"select valid_from, valid_to, op, {', '.join(VALUES)} from CUSTOMER_HISTORY"
        " where customer_id = %s and (valid_to is null or valid_to > valid_from) order by valid_from",
        (customer,),
    )


def timeline(account: Account, customer: int) -> plt.Figure:
    """A lane for each attribute that ever changed: a new colour is a new value, a gap is a time without the customer."""
    found = versions(account, customer)
    end = account.query("select max(valid_from) from CUSTOMER_HISTORY").iloc[0, 0]
    living = found[found["op"] != "D"]
    lanes = [name for name in VALUES if living[name].nunique(dropna=False) > 1] or VALUES[:1]
    figure, axes = plt.subplots(figsize=(12, 0.55 * len(lanes) + 1.1), layout="constrained")
    for at, name in enumerate(reversed(lanes)):
        colours = itertools.cycle(look.PALETTE)
        # Neighbours with the same value are one bar.
        starts = living[name].ne(living[name].shift()) | living["valid_from"].ne(living["valid_to"].shift())
        for _, spell in living.groupby(starts.cumsum()):
            begin = mdates.date2num(spell["valid_from"].iloc[0])
            last = spell["valid_to"].iloc[-1]
            stop = mdates.date2num(end if pd.isna(last) else last)
            axes.barh(at, stop - begin, left=begin, height=0.72, color=next(colours), edgecolor="white")
            value = spell[name].iloc[0]
            room = int((stop - begin) / max(mdates.date2num(end) - mdates.date2num(found["valid_from"].min()), 1e-9) * 130)
            text = "" if pd.isna(value) else str(value)
            if room > 3:
                text = text if len(text) <= room else text[: room - 1] + "…"
                axes.text(begin, at, f" {text}", va="center", color="white", fontsize=8, clip_on=True)
    axes.set_yticks(range(len(lanes)), reversed(lanes))
    axes.xaxis_date()
    axes.grid(visible=False, axis="y")
    axes.set(title=f"Customer {customer}: {len(found)} versions", xlabel="valid from, to (UTC)")
    plt.close(figure)
    return figure


def as_of(account: Account, at: str, limit: int = 5) -> pd.DataFrame:
    """The customers who were there at a time (UTC), as they were then."""
    return account.query(
        f"select customer_id, {', '.join(VALUES)} from CUSTOMER_HISTORY"
        " where valid_from <= to_timestamp_ntz(%s) and (valid_to is null or valid_to > to_timestamp_ntz(%s)) and op <> 'D'"
        f" order by customer_id limit {int(limit)}",
        (at, at),
    )


def population(account: Account) -> plt.Figure:
    """How many customers lived in each country, at every time."""
    changes = account.query("""
        select valid_from as at, country, count(*) as moved from CUSTOMER_HISTORY
        where op <> 'D' and (valid_to is null or valid_to > valid_from) group by 1, 2
        union all
        select valid_to, country, -count(*) from CUSTOMER_HISTORY
        where op <> 'D' and valid_to > valid_from group by 1, 2
    """)
    changes["moved"] = changes["moved"].astype("int64")
    living = changes.pivot_table(index="at", columns="country", values="moved", aggfunc="sum", fill_value=0).cumsum()
    figure, axes = plt.subplots(figsize=(9, 3.2), layout="constrained")
    axes.stackplot(living.index, living.T.to_numpy(), labels=living.columns, colors=look.PALETTE, step="post")
    axes.set(title="Customers alive, as of every time", xlabel="time (UTC)", ylabel="customers")
    look.counts(axes)
    axes.legend(loc="upper left", ncols=3)
    plt.close(figure)
    return figure


def cohorts(account: Account) -> plt.Figure:
    """Of the customers who came in a period, the share that is still there so many periods later."""
    lives = account.query("""
        select customer_id, min(valid_from) as born, max(iff(op = 'D' and is_current, valid_from, null)) as died
        from CUSTOMER_HISTORY group by customer_id
    """)
    since, until = lives["born"].min(), account.query("select max(valid_from) from CUSTOMER_HISTORY").iloc[0, 0]
    step, unit = _period((until - since) / 8)
    lives["cohort"] = (lives["born"] - since) // step
    periods = int((until - since) // step) + 1
    table = pd.DataFrame(index=range(periods), columns=range(periods), dtype=float)
    for cohort, members in lives.groupby("cohort"):
        for age in range(periods - int(cohort)):
            at = since + step * (cohort + age + 1)
            table.loc[int(cohort), age] = float((members["died"].isna() | (members["died"] > at)).mean())
    figure, axes = plt.subplots(figsize=(8, 0.42 * periods + 1.2), layout="constrained")
    shown = axes.imshow(table.to_numpy(dtype=float), cmap="YlGnBu", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in table.stack().dropna().items():
        axes.text(column, row, f"{share:.0%}", ha="center", va="center", fontsize=8, color="white" if share > 0.6 else "black")
    starts = [since + step * one for one in range(periods)]
    form = "%d %b %Y" if step >= pd.Timedelta(days=1) else "%H:%M:%S"
    born = lives.groupby("cohort").size()
    axes.set_yticks(
        range(periods), [f"{at.strftime(form)} ({look.short(born.get(number, 0))})" for number, at in enumerate(starts)]
    )
    axes.set_xticks(range(periods), [f"{age + 1}" for age in range(periods)])
    axes.grid(visible=False)
    axes.set(title="Customers still there, by when they came", xlabel=f"age in periods of {unit}", ylabel="came from (customers)")
    figure.colorbar(shown, ax=axes, format=lambda share, _at: f"{share:.0%}", label="still there")
    plt.close(figure)
    return figure


def _period(about: pd.Timedelta) -> tuple[pd.Timedelta, str]:
    """A round length of time of about ``about``, and its name."""
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
        if pd.Timedelta(seconds=seconds) >= 0.9 * about:
            return pd.Timedelta(seconds=seconds), name
    return pd.Timedelta(days=3650), "10 years"


class Tutorial:
    """The tutorials' way beside Firn's, on the same events: what they lose.

    The events that Firn has in its history go, file by file as they came, through the pipeline that the usual tutorials build:
    MERGE with a comparison by ``<>``, TRUNCATE, and a history fed by a stream. Its tables stand beside Firn's until ``drop``.
    """

    def __init__(self, account: Account, files: int = 20):
        self._account = account
        scripts = next(
            folder for folder in (root() / "bench/tutorial", Path(__file__).parents[1] / "tutorial") if folder.exists()
        )
        _run(account, (scripts / "setup.sql").read_text())
        batch = _statements((scripts / "batch.sql").read_text())
        columns = f"customer_id, {', '.join(VALUES)}, updated_at, sequence"
        came = account.query("""
            select source_file, count(*) as events from CUSTOMER_HISTORY group by source_file order by min(loaded_at), source_file
        """)["source_file"]
        for name in came.head(files):
            for statement in batch:
                if statement.lower().startswith("copy into"):
                    # What COPY would bring from the file, duplicates and broken rows left out.
                    account.run(
                        f"insert into TUTORIAL_RAW ({columns}) select {columns} from CUSTOMER_HISTORY where source_file = %s",
                        (name,),
                    )
                else:
                    account.run(statement)
        self._files = tuple(came.head(files))

    def drop(self) -> None:
        """Takes its tables away."""
        for thing in (
            "view TUTORIAL_CHANGE_DATA",
            "stream TUTORIAL_CHANGES",
            "table TUTORIAL_HISTORY",
            "table TUTORIAL_CUSTOMER",
            "table TUTORIAL_RAW",
        ):
            self._account.run(f"drop {thing}")

    def comparison(self) -> pd.DataFrame:
        """For each of both ways, what became of the versions and of the customers."""
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
                "the tutorials' way": [
                    count["versions"] - count["lost"],
                    count["lost"],
                    count["customers"] - count["stale"],
                    count["stale"],
                    count["ghosts"],
                ],
            },
            index=["versions kept", "versions lost", "customers right", "customers wrong", "deleted customers still there"],
        )

    def picture(self) -> plt.Figure:
        """The comparison at a glance."""
        table = self.comparison()
        figure, axes = plt.subplots(1, 2, figsize=(11, 2.4), layout="constrained")
        parts = [
            (axes[0], "Versions of customers", [("versions kept", look.GREEN), ("versions lost", look.RED)]),
            (
                axes[1],
                "Customers in the current table",
                [
                    ("customers right", look.GREEN),
                    ("customers wrong", look.RED),
                    ("deleted customers still there", look.ORANGE),
                ],
            ),
        ]
        for one, title, rows in parts:
            left = pd.Series(0, index=table.columns)
            for name, colour in rows:
                one.barh(table.columns, table.loc[name], left=left, color=colour, label=name)
                for way in table.columns:
                    value = table.loc[name, way]
                    if value > 0.1 * table.loc[[row for row, _ in rows]].sum().max():
                        one.text(left[way] + value / 2, way, look.short(value), ha="center", va="center", color="white")
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
        """The same customer in the tutorials' history."""
        return self._account.query(
            f"select start_time, end_time, is_current, {', '.join(VALUES)} from TUTORIAL_HISTORY"
            " where customer_id = %s order by start_time",
            (customer,),
        )


def _statements(script: str) -> list[str]:
    """The statements of a script, each of which ends with a semicolon at the end of a line; comments are left out."""
    lines = [line for line in script.splitlines() if not line.lstrip().startswith("--")]
    return [text.strip() for text in "\n".join(lines + [""]).split(";\n") if text.strip()]


def _run(account: Account, script: str) -> None:
    for statement in _statements(script):
        account.run(statement)
