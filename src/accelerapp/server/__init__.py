"""The observatory: one process that receives, stores, queries, alerts on and shows metrics, traces and logs."""
