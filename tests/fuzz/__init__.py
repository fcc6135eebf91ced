"""Random and hostile input for every parser of the way in: only declared answers, bounded work, bounded memory."""
