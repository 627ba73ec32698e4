"""The demo: a broker, a worker and a simulated city on this machine, and what can be seen of them.

    city ──feed──▶ broker ◀──▶ vigil worker ──/metrics──▶ readings ─┐
                     └───────────alerts────────────────────────────┴──▶ scene ──▶ the terminal (streams.cli)

The broker and the worker are processes of their own, as in production; what is shown comes from where an operations
centre and Prometheus get it: the topic `alerts`, and /metrics.
"""
