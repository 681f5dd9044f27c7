import Quota

extension FuzzTarget {
  /// An amount of bytes, or a rate, as people write it.
  static let sizes = FuzzTarget("sizes") { bytes throws(Broken) in
    let parsed = Result { () throws(ByteSizeError) in try ByteSize.parse(bytes.span) }
    switch parsed {
    case .failure(let error): try requireSafe(error.description, "the complaint")
    case .success(let size):
      try require(size >= 0, "no size is negative")
      try check(size)
      try checkForms(of: bytes, size)
    }
    var number: UInt64 = 0
    for byte in bytes.prefix(8) { number = number << 8 | UInt64(byte) }
    try check(Int64(truncatingIfNeeded: number))
    try checkRate(of: bytes)
    if let rate = Rate(shared: Int64(truncatingIfNeeded: number)) {
      try same(try? Rate(parsing: "\(rate)"), rate, "a rate of \(number) bit")
    }
  }

  /// A rate that was read is in the range, and written down it is the same.
  private static func checkRate(of bytes: [UInt8]) throws(Broken) {
    let text = String(decoding: bytes, as: UTF8.self)
    switch Result(catching: { () throws(RateError) in try Rate(parsing: text) }) {
    case .failure(let error): try requireSafe(error.description, "the complaint about a rate")
    case .success(let rate):
      try require(Rate.range.contains(rate.down) && Rate.range.contains(rate.up), "a fit rate")
      try same(try? Rate(parsing: "\(rate)"), rate, "\(rate)")
    }
  }

  /// As bytes an amount reads back exactly, and as it is shown to people to the hundredth.
  private static func check(_ size: Int64) throws(Broken) {
    for units in [ByteUnits.decimal, .binary] { try check(size, in: units) }
    guard size >= 0 else { return }
    try same(try? ByteSize.parse("\(size)"), size, "\(size) bytes")
    try same(try? ByteSize.parse(" \(size) B "), size, "\(size) bytes, with a unit")
  }

  private static func check(_ size: Int64, in units: ByteUnits) throws(Broken) {
    let shown = ByteSize.format(size, in: units)
    guard size >= 0 else {
      return try same(try? ByteSize.parse(shown), nil, "an amount below zero")
    }
    let names = units == .decimal ? ["kB", "MB", "GB", "TB"] : ["KiB", "MiB", "GiB", "TiB"]
    var unit: Int64 = 1
    for (index, name) in names.enumerated() where shown.hasSuffix(" \(name)") {
      unit = (0...index).reduce(1) { product, _ in product * Int64(units.base) }
    }
    // 8388608.00 TiB is what the largest amounts are rounded to, and one byte too many.
    guard let again = try? ByteSize.parse(shown) else {
      return try require(size > Int64.max - unit / 200, "\(shown) is a size")
    }
    let error = (again - size).magnitude
    try require(error <= UInt64(unit / 200) + 1, "\(shown) is \(size), to the hundredth")
  }

  /// Spaces do not count, and a unit multiplies.
  private static func checkForms(of bytes: [UInt8], _ size: Int64) throws(Broken) {
    try same(try? ByteSize.parse(([32] + bytes + [32, 32]).span), size, "with spaces")
    guard bytes.allSatisfy({ 48...57 ~= $0 }) else { return }
    let units: [(String, Int64)] = [
      ("K", 1 << 10), ("MiB", 1 << 20), ("gib", 1 << 30), ("T", 1 << 40), ("kB", 1000),
      ("MB", 1_000_000), ("GB", 1_000_000_000), ("tb", 1_000_000_000_000),
    ]
    for (unit, factor) in units {
      let (product, isTooLarge) = size.multipliedReportingOverflow(by: factor)
      let written = bytes + Array(unit.utf8)
      try same(try? ByteSize.parse(written.span), isTooLarge ? nil : product, "in \(unit)")
    }
  }
}
