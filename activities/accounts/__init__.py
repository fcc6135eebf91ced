"""The shop's accounts with outside vendors, as the settings give them: what a provider and a webhook source share."""
