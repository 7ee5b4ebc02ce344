"""Everything with state: databases, buckets, mailboxes, settings."""
