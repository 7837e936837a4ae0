"""The functions that the notebooks call; the notebooks contain no logic of their own.

- ``generator``: Firn's generator through ``firn.h``, as DataFrames
- ``account``: the Snowflake account in the environment, or a local Snowglobe with a running pipeline
- ``pipeline``: the pipeline, live: lag, throughput, credits
- ``history``: the timeline of a customer, the table at a point in time, cohorts, and the rows that the tutorials' pipeline loses
- ``look``: colours and axes
- ``paths``: the programs and the library, built or installed
"""
