"""What the notebooks call, so that they hold no logic of their own.

- ``generator``: Firn's generator through ``firn.h``, as DataFrames
- ``account``: the Snowflake account that the environment names, or a Snowglobe started here with a pipeline that runs
- ``pipeline``: files become rows, live; lag, throughput, credits
- ``history``: one customer's timeline, the table as of a time, cohorts, and what the tutorials' way loses
- ``look``: colours and axes
"""
