import Foundation
import System
import TestSupport
import Testing

@testable import Support

@Suite struct GeneratorTests {
  static let script = "\(Repository.root)/config/systemd/openvpn-quota-generator"

  /// What the generator makes of a file: the whole drop-in.
  func generated(from file: String, in folder: TemporaryDirectory? = nil) throws -> String {
    let folder = try folder ?? TemporaryDirectory()
    let outcome = try Program.run(
      "/bin/sh", [GeneratorTests.script, folder.path, folder.path, folder.path],
      environment: ["QUOTA_CONFIG": file, "PATH": "/usr/bin:/bin"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty && outcome.output.isEmpty)
    let drop = "\(folder.path)/quota-sweep.timer.d/interval.conf"
    return String(decoding: try contents(ofFile: drop), as: UTF8.self)
  }

  func dropIn(_ seconds: Int) -> String {
    "[Timer]\nOnBootSec=\(seconds)\nOnUnitActiveSec=\(seconds)\n"
  }

  @Test(arguments: EnvironmentFileCase.all)
  func `The timer gets the interval that the programs read, and 45 for what they refuse`(
    _ example: EnvironmentFileCase
  ) throws {
    let folder = try TemporaryDirectory()
    let file = "\(folder.path)/quota.conf"
    try Data(example.file).write(to: URL(fileURLWithPath: file))
    let value = String(decoding: example.value ?? [], as: UTF8.self)
    let loaded = Settings.loadLeniently(
      config: "/dev/null", environment: ["MONITOR_INTERVAL=\(value)"])
    #expect(try generated(from: file) == dropIn(loaded.settings.monitorInterval))
  }

  @Test(arguments: [
    ("30", 30), ("60", 60), ("59", 59), ("29", 45), ("61", 45), ("045", 45), ("0000000050", 45),
    ("000000050", 50), ("3", 45), ("300", 45), ("-30", 45), ("30s", 45), ("4.5", 45), ("0x30", 45),
  ])
  func `Only what is allowed sets the timer`(value: String, seconds: Int) throws {
    let folder = try TemporaryDirectory()
    let file = try folder.write("MONITOR_INTERVAL=\(value)\n", to: "quota.conf")
    #expect(try generated(from: file) == dropIn(seconds))
    #expect(
      Settings.loadLeniently(config: file, environment: []).settings.monitorInterval == seconds)
  }

  @Test(arguments: [
    ("FENCE=yes", true), ("FENCE=\"YES\"", true), ("FENCE=no", false),
    ("FENCE=yes\nFENCE=no", false),
    ("#FENCE=yes", false), ("FENCE_OPEN=yes", false), ("FENCE=yess", false), ("", false),
  ])
  func `A sweep pulls the fence in with FENCE=yes`(setting: String, isSo: Bool) throws {
    let folder = try TemporaryDirectory()
    let file = try folder.write("MONITOR_INTERVAL=30\n\(setting)\n", to: "quota.conf")
    #expect(try generated(from: file, in: folder) == dropIn(30))
    let pulled = "\(folder.path)/quota-sweep.service.d/fence.conf"
    let wants = "[Unit]\nWants=quota-fence.path quota-fence.service\n"
    #expect(((try? contents(ofFile: pulled)) == Array(wants.utf8)) == isSo)
    #expect((size(ofFile: pulled) != nil) == isSo)
  }

  @Test(arguments: [
    ("SYNC=host=db", 15), ("SYNC='dbname=x user=y'\nSYNC_INTERVAL=5", 5),
    ("SYNC=x\nSYNC_INTERVAL=3600", 3600), ("SYNC=x\nSYNC_INTERVAL=4", 15),
    ("SYNC=x\nSYNC_INTERVAL=3601", 15), ("SYNC=\nSYNC_INTERVAL=20", nil), ("#SYNC=x", nil),
    ("SYNC=x\nSYNC=", nil),
  ])
  func `With SYNC a timer of its own runs every SYNC_INTERVAL`(setting: String, seconds: Int?)
    throws
  {
    let folder = try TemporaryDirectory()
    let file = try folder.write("MONITOR_INTERVAL=30\n\(setting)\n", to: "quota.conf")
    #expect(try generated(from: file, in: folder) == dropIn(30))
    let interval = try? contents(ofFile: "\(folder.path)/quota-sync.timer.d/interval.conf")
    #expect(interval == seconds.map { Array(dropIn($0).utf8) })
    let wants = try? contents(ofFile: "\(folder.path)/timers.target.d/sync.conf")
    #expect(wants == seconds.map { _ in Array("[Unit]\nWants=quota-sync.timer\n".utf8) })
    let loaded = Settings.loadLeniently(config: file, environment: [])
    #expect(seconds == nil || loaded.settings.syncInterval == seconds)
  }

  @Test func `The sample, no file, and what is no file give 45`() throws {
    for file in ["\(Repository.root)/config/quota.conf", "/none", "/etc", "/dev/null"] {
      #expect(try generated(from: file) == dropIn(45), "\(file)")
    }
  }

  @Test func `A place that cannot be written fails no boot`() throws {
    let outcome = try Program.run("/bin/sh", [GeneratorTests.script, "/proc/none"])
    #expect(outcome.status == 0)
  }

  @Test func `It is a short script`() throws {
    let lines = try Repository.lines("config/systemd/openvpn-quota-generator")
    #expect(lines.first == "#!/bin/sh" && lines.count - 1 < 25)
  }
}
