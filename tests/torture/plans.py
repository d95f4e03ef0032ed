"""How much torture: the short form of the tests, and the full one."""

from tests.torture.run import Plan

SHORT = (
    Plan("short, SQLite", clients=2, participants=4, vouchers=10, kills=8),
    Plan("short, PostgreSQL", clients=2, participants=4, vouchers=10, kills=12, servers=2),
)
FULL = (
    Plan("full, SQLite", clients=4, participants=10, vouchers=500, kills=200),
    Plan("full, PostgreSQL", clients=4, participants=10, vouchers=500, kills=200, servers=2),
)
