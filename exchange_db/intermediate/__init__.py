"""The exchange with partners' databases (数据交换中间库): what a partner sees there, and how it is read and written.

Owns the tables a partner meets (``schema``), one module a database engine (``dialects``), and the connection to a
partner (``partner``). Knows nothing of the hub's own ledger, nor of the wire.
"""
