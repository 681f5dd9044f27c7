import Foundation
import TestSupport

/// How large the Debian package is, as `make deb` left it in `.build`.
enum PackageCosts {
  static func measure(into report: BenchReport) throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: ".build")
      .filter { $0.hasPrefix("openvpn-quota_") && $0.hasSuffix(".deb") }
    guard let name = names.max() else {
      throw Gauge.Missing(description: "there is no package in .build: make deb")
    }
    let package = Double(try Program.size(".build/" + name)) / 1_000_000
    let outcome = try Program.run("dpkg-deb", ["--field", ".build/" + name, "Installed-Size"])
    try outcome.requireSuccess()
    let kibibytes = Double(outcome.output.filter(\.isNumber)) ?? .nan
    let installed = kibibytes * 1024 / 1_000_000
    report.expect("the Debian package", package, atMost: 5, " MB")
    report.expect("the same, installed", installed, atMost: 20, " MB")
    report.add(
      BenchReport.Section(
        title: "The package", text: "As `make deb` makes it.", columns: ["", "MB"],
        rows: [[name, Decimal.text(package)], ["installed", Decimal.text(installed)]]))
  }
}
