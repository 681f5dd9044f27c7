"""Both hooks as an operator would write them: a few lines of Python on the database.

usage: hook.py DATABASE, with the variables that OpenVPN gives a hook
"""

import os
import sqlite3
import sys

database = sqlite3.connect(sys.argv[1], timeout=0.02)
name = os.environ["common_name"]
if os.environ["script_type"] == "client-connect":
    row = database.execute(
        "SELECT status, quota_bytes, bytes_used FROM users"
        " JOIN user_quotas ON user_id = users.id WHERE username = ?", (name,)).fetchone()
    sys.exit(row is not None and (row[0] != "active" or 0 < row[1] <= row[2]))

received, sent = int(os.environ["bytes_received"]), int(os.environ["bytes_sent"])
with database:
    database.execute(
        "INSERT INTO traffic_logs (user_id, bytes_sent, bytes_received, log_timestamp)"
        " SELECT id, ?, ?, datetime('now') FROM users WHERE username = ?", (sent, received, name))
    database.execute(
        "UPDATE user_quotas SET bytes_used = bytes_used + ?"
        " WHERE user_id = (SELECT id FROM users WHERE username = ?)", (sent + received, name))
