"""The only place that knows SQL: tables, journal, visits, ledger, and the records around an order.

`database` opens the store; every other module is a noun and takes a `Tx` of `store.read()` or `store.write()` first.
"""
