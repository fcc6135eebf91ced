"""The built-in web chat: who its visitors are, what they say, and who waits for what is written."""
