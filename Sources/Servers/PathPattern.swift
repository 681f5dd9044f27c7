import Glibc
import System

/// A shell pattern for files, such as `/etc/openvpn/*.conf`.
///
/// Unlike `glob`, it tells a directory that is not there, which has no files, from one that cannot
/// be looked into, which may hide some.
struct PathPattern {
  /// What was found, and what kept it from finding more.
  struct Found {
    var files: [String] = []
    var errors: [SystemError] = []
  }

  private let pattern: String

  init(_ pattern: some StringProtocol) { self.pattern = normalizedPath(String(pattern)) }

  /// Finds the files that there are now, in the order of their names. A path without a wildcard is
  /// found whether it exists or not.
  func find() -> Found {
    var found = Found()
    let parts = pattern.split(separator: "/").map(String.init)
    walk(parts[...], from: pattern.hasPrefix("/") ? "/" : "", into: &found)
    return found
  }

  private func walk(_ parts: ArraySlice<String>, from base: String, into found: inout Found) {
    guard let part = parts.first else { return found.files.append(base) }
    let rest = parts.dropFirst()
    guard part.contains(where: { "*?[".contains($0) }) else {
      return walk(rest, from: join(base, part), into: &found)
    }
    do {
      for name in try names(inDirectory: base.isEmpty ? "." : base) where matches(name, part) {
        let path = join(base, name)
        let exists = unsafe access(path, F_OK) == 0
        if rest.isEmpty || exists { walk(rest, from: path, into: &found) }
      }
    } catch {
      let isThere = error.code != ENOENT && error.code != ENOTDIR
      if isThere { found.errors.append(error) }
    }
  }

  private func join(_ base: String, _ name: String) -> String {
    base.isEmpty || base.hasSuffix("/") ? base + name : base + "/" + name
  }

  private func matches(_ name: String, _ part: String) -> Bool {
    unsafe fnmatch(part, name, FNM_PERIOD) == 0
  }
}
