"""The MariaDB of the demonstration, for tests."""

from hub.demo.mariadb import MARIADBD, MariadbServer, mariadb_server

__all__ = ["MARIADBD", "MariadbServer", "mariadb_server"]
