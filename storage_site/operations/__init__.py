"""The engine: operations are begun by services, claimed by workers, swept by beat.

admission (begin, move) is for services, perform for tasks, claims.Claimed for workflows, waiting for requests
that need an answer from a back-end.
"""
