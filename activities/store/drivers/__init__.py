"""The two databases' drivers: connections, transactions and the execution of ready statements."""
