-- The ledger that the transcripts are taken from: written as sweeps, hooks and an administrator
-- would have, with round numbers.
INSERT INTO users (id, username, status, created_at) VALUES
  (1, 'alice', 'active', '2026-09-01 08:00:00'),
  (2, 'bob', 'active', '2026-09-01 08:05:00'),
  (3, 'علی', 'active', '2026-10-12 17:30:00'),
  (4, '王小明', 'disabled', '2026-10-20 09:15:00'),
  (5, 'eve, "the" <b>', 'active', '2026-11-20 22:00:00');
INSERT INTO user_quotas (user_id, quota_bytes, bytes_used) VALUES
  (1, 10737418240, 9663676416), (2, 0, 3221225472), (3, 1073741824, 1610612736),
  (4, 5368709120, 0), (5, 1048576, 1024);
INSERT INTO period_usage (user_id, period_start, bytes_received, bytes_sent) VALUES
  (1, 0, 1073741824, 8589934592), (2, 0, 1073741824, 2147483648), (3, 0, 536870912, 1073741824),
  (5, 0, 512, 512);
INSERT INTO daily_usage (user_id, day, bytes_received, bytes_sent) VALUES
  (1, '0001-01-01', 0, 1073741824),
  (1, '2026-10-30', 268435456, 2147483648), (1, '2026-11-02', 268435456, 1073741824),
  (1, '2026-11-20', 268435456, 2147483648), (1, '2026-11-22', 268435456, 2147483648),
  (2, '2026-11-19', 536870912, 1073741824), (2, '2026-11-22', 536870912, 1073741824),
  (3, '2026-11-21', 536870912, 1073741824), (5, '2026-11-22', 512, 512);
INSERT INTO hourly_usage (user_id, hour, bytes_received, bytes_sent) VALUES
  (1, 1795377600, 134217728, 1073741824), (1, 1795384800, 134217728, 1073741824),
  (2, 1795377600, 536870912, 1073741824);
INSERT INTO sessions (boot, pid, connected_since, address, user_id, common_name, server,
  real_address, bytes_received, bytes_sent, closed_at, closed_by) VALUES
  (1, 700, 1795118400, '10.8.0.2', 2, 'bob', 'home', '198.51.100.4:1194',
    536870912, 1073741824, 1795125600, 'hook'),
  (1, 700, 1795204800, '10.8.0.3', 1, 'alice', 'home', '192.0.2.7:40312',
    268435456, 2147483648, 1795208460, 'hook'),
  (1, 701, 1795291200, '10.9.0.2', 3, 'علی', 'office', '203.0.113.20:51820',
    536870912, 1073741824, 1795377661, 'listing'),
  (1, 700, 1795377600, '10.8.0.2', 1, 'alice', 'home', '192.0.2.7:40313',
    268435456, 2147483648, 1795377630, 'hook'),
  (1, 700, 1795377600, '10.8.0.3', 2, 'bob', NULL, NULL,
    536870912, 1073741824, 1795384800, 'hook');
INSERT INTO events (at, username, kind, detail, count, last_at) VALUES
  (1793520000, 'alice', 'created', 'by an administrator, quota unlimited', 1, 1793520000),
  (1793606400, 'alice', 'quota', 'from unlimited to 10737418240 bytes', 1, 1793606400),
  (1795377661, 'علی', 'killed', 'quota', 1, 1795377661),
  (1795377720, 'علی', 'refused', 'quota', 311, 1795381200),
  (1795380000, 'mallory', 'refused', 'unknown', 1, 1795380000),
  (1795384801, '王小明', 'disabled', 'by an administrator', 1, 1795384801);
