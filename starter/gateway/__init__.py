"""The HTTP gateway: journals what comes in, answers after the commit, and leaves delivery to the relay."""
