"""The wire, spoken instead of heard: plans as requests, and calls that survive a kill.

``terms``, ``rates``, ``subscriptions``, ``settings`` and ``contract`` say what ours are on the wire
(pure); ``edits`` says what changed; ``pairing`` finds in an answer what was sent; ``catalogue``
finds products, cards and units there; ``remote`` makes one call; ``calls`` makes it exactly once.
"""
