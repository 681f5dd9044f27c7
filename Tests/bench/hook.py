"""Both hooks as a few lines of Python: what `make bench` measures ours beside.

usage: hook.py DATABASE, with the variables that OpenVPN gives a hook
"""

import os
import sqlite3
import sys
import time

STANDING = """
    SELECT users.id, status, quota_bytes, granted, bytes_received, bytes_sent
    FROM users LEFT JOIN user_quotas ON user_quotas.user_id = users.id
    WHERE username = ?"""
RAISE = """ON CONFLICT DO UPDATE SET
    bytes_received = bytes_received + excluded.bytes_received,
    bytes_sent = bytes_sent + excluded.bytes_sent"""

env = os.environ
database = sqlite3.connect(sys.argv[1], timeout=0.02, isolation_level=None)
database.execute("PRAGMA wal_autocheckpoint = 0")
database.execute("PRAGMA synchronous = NORMAL")


def connect():
    row = database.execute(STANDING, (env["common_name"],)).fetchone()
    if row is None:
        return 0
    used = (row[4] or 0) + (row[5] or 0)
    return int(row[1] != "active" or (row[2] > 0 and used >= row[2] + row[3]))


def disconnect():
    now = int(time.time())
    key = (int(env["daemon_pid"]), int(env["time_unix"]), env["ifconfig_pool_remote_ip"])
    received, sent = int(env["bytes_received"]), int(env["bytes_sent"])
    database.execute("BEGIN IMMEDIATE")
    seen = database.execute(
        """SELECT bytes_received, bytes_sent, user_id FROM sessions
           WHERE pid = ? AND connected_since = ? AND address = ?
             AND boot = (SELECT max(boot) FROM sessions)""", key).fetchone()
    user = database.execute(STANDING, (env["common_name"],)).fetchone()[0]
    more = (max(0, received - seen[0]), max(0, sent - seen[1]))
    log = database.execute(
        "INSERT INTO traffic_logs (user_id, bytes_sent, bytes_received, log_timestamp)"
        " VALUES (?, ?, ?, datetime(?, 'unixepoch'))", (user, sent, received, now)).lastrowid
    database.execute(
        """UPDATE sessions SET bytes_received = ?, bytes_sent = ?, closed_at = ?,
             closed_by = 'hook', log_id = ?
           WHERE pid = ? AND connected_since = ? AND address = ?
             AND boot = (SELECT max(boot) FROM sessions)""", (received, sent, now, log) + key)
    database.execute(
        "INSERT INTO usage VALUES (?, ?, ?, ?) " + RAISE, (now - now % 3600, user) + more)
    database.execute(
        """UPDATE user_quotas SET bytes_received = bytes_received + ?, bytes_sent = bytes_sent + ?,
             bytes_used = bytes_used + ?, updated_at = datetime(?, 'unixepoch')
           WHERE user_id = ?""", more + (sum(more), now, user))
    database.execute("COMMIT")
    return 0


sys.exit(connect() if env["script_type"] == "client-connect" else disconnect())
