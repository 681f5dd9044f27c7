import Foundation
import Glibc
import System
import TestSupport
import Testing

/// An installation as it is on a real host: the state directory is the account's, the log is in a
/// directory of root's, and another directory holds what nobody may touch.
final class AttackedHost {
  /// The account that owns the ledger, and the group of the hooks.
  static let account: uid_t = 24_711
  /// An OpenVPN that gave up root, in the group.
  static let worker: uid_t = 65_534

  let folder: TemporaryDirectory
  var state: String { folder.path + "/state" }
  /// Where management sockets are, which the group may write to.
  var sockets: String { folder.path + "/run" }
  /// Files of root's that have nothing to do with us, and would be worth an attack.
  var outside: String { folder.path + "/outside" }
  /// Where root has things written.
  var results: String { folder.path + "/results" }
  var log: String { folder.path + "/log/quota.log" }

  init() throws {
    folder = try TemporaryDirectory()
    let (account, path) = (Self.account, folder.path)
    try shell(
      """
      chmod 0755 '\(path)'
      install -d -m 2750 -o \(account) -g \(account) '\(path)/state'
      install -d -m 2770 -g \(account) '\(path)/run'
      install -d -m 0755 '\(path)/log' '\(path)/outside'
      install -d -m 0700 '\(path)/results'
      install -m 0640 -o \(account) -g \(account) /dev/null '\(path)/log/quota.log'
      printf 'root only\\n' >'\(path)/outside/secret' && chmod 0600 '\(path)/outside/secret'
      printf 'for all to read\\n' >'\(path)/outside/open'
      printf 'name,quota_bytes\\ndave,1GB\\n' >'\(path)/results/users.csv'
      """)
    try folder.write(
      """
      DATABASE=\(state)/quota.db
      LOG_FILE=\(log)
      MANAGEMENT=s=unix:\(sockets)/s.sock
      MANAGEMENT_TIMEOUT=1
      RETRY_ATTEMPTS=1
      TIME_ZONE=UTC

      """, to: "quota.conf")
  }

  /// Runs a script as root, or as another user of the group with nothing else.
  @discardableResult
  func shell(_ script: String, as user: uid_t? = nil) throws -> Outcome {
    let command = ["/bin/sh", "-c", script]
    guard let user else {
      let outcome = try Program.run(command[0], Array(command.dropFirst()))
      try outcome.requireSuccess()
      return outcome
    }
    return try Program.run(
      "setpriv",
      ["--reuid=\(user)", "--regid=\(Self.account)", "--clear-groups", "--inh-caps=-all"] + command)
  }

  /// Runs one of the programs as root.
  func run(_ program: String, _ arguments: [String]) throws -> Outcome {
    try Program.run(
      Program.path(program), arguments + ["--config", folder.path + "/quota.conf"],
      environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"], timeout: 60)
  }

  /// Runs a hook as root, with a script behind it.
  func hook(_ program: String, _ variables: [String: String]) throws -> Outcome {
    try Program.run(
      Program.path(program),
      ["--config", folder.path + "/quota.conf", "--then", "/bin/true"],
      environment: variables, timeout: 30)
  }

  /// A session comes and goes, as the hooks tell it.
  func serve(_ name: String, number: Int, bytes: Int) throws {
    let session = HookSession(name, number: number)
    try hook("quota-connect", session.connecting).requireSuccess()
    try hook("quota-disconnect", session.disconnecting(received: bytes, sent: 0)).requireSuccess()
  }

  /// What a user has used, as the ledger says; nil where it cannot say.
  func used(_ name: String) throws -> Int? {
    let outcome = try run("quota-admin", ["show", name, "--json"])
    let text = outcome.output.firstMatch(of: #/"bytes_used":([0-9]+)/#)?.1
    return text.flatMap { Int($0) }
  }

  /// All that is outside of the state directory and not meant to change: names, modes, owners, sizes,
  /// links, times and content.
  func surroundings() throws -> String {
    try shell(
      """
      cd '\(folder.path)' && find . -path ./state -prune -o -path ./results -prune -o \
        -path ./run -prune -o -path ./log -prune -o -printf '%p %M %U %G %s %l %T@ %C@\\n' | sort
      cat outside/* && find state -prune -printf '%M %U %G\\n'
      """
    ).output
  }
}
