import Glibc
import System

/// All that lies in the spool at one moment.
package struct SpoolContents: Sendable {
  /// Who was let in, and when.
  package var admissions: [(admission: Admission, at: Int64)] = []
  package var refusals: [Refusal] = []
  /// What disconnect hooks could not write to the database, each with the name of its file.
  package var reports: [(report: FinalReport, file: String)] = []
  package var tallies: [RefusalTally] = []
  /// The names of files that are no whole records.
  package var damaged: [String] = []
}

extension Spool {
  /// Reads everything in the spool; a record that goes away meanwhile was somebody else's to take.
  package func readAll() throws(SystemError) -> SpoolContents {
    var all = SpoolContents()
    for name in try allNames() where !name.hasPrefix(".") {
      let kind = String(name.prefix { $0 != "-" })
      guard ["admitted", "refused", "closed", "tally"].contains(kind) else { continue }
      guard let content = try? content(of: name) else { continue }
      if kind == "tally", let tally = RefusalTally(content: content) {
        all.tallies.append(tally)
        continue
      }
      switch SpoolRecord(kind: kind, content: content) {
      case .admitted(let admission, let time): all.admissions.append((admission, time))
      case .refused(let refusal): all.refusals.append(refusal)
      case .closed(let report): all.reports.append((report, name))
      case nil: all.damaged.append(name)
      }
    }
    return all
  }

  /// The names of all files; none where there is no spool yet.
  private func allNames() throws(SystemError) -> [String] {
    do throws(SystemError) { return try names(inDirectory: path) } catch {
      if error.code == ENOENT { return [] }
      throw error
    }
  }

  /// Removes what hooks that were killed left half written, a minute old or more.
  package func removeOldDrafts(at time: Int64) {
    for name in (try? allNames()) ?? [] where name.hasPrefix(".") {
      guard let changed = modificationTime(ofFile: path + "/" + name), time - changed > 60 else {
        continue
      }
      try? removeFile(name)
    }
  }

  /// Puts a file that is no whole record out of the way, where a person can look at it.
  package func setAside(_ name: String) throws(SystemError) {
    try rename(name, to: "damaged-" + name)
  }
}
