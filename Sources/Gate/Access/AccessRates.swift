import Quota

/// How fast a user may be. Users who have the same rates share an entry of the access table.
package struct AccessRates: Hashable, Sendable {
  /// Ever; nil for as fast as it goes.
  package var rate: Rate?
  /// Once the quota is used up; nil where the user is refused then.
  package var thenRate: Rate?

  package init(rate: Rate? = nil, thenRate: Rate? = nil) {
    self.rate = rate
    self.thenRate = thenRate
  }
}

extension AccessRates {
  /// Bytes of an entry in the table: for each rate down and up, in bits per second. A rate for both
  /// directions together has 0 for up, and none has 0 for both.
  package static let size = 32

  package func append(to bytes: inout [UInt8]) {
    for rate in [rate, thenRate] {
      bytes.append(integer: rate?.down ?? 0)
      bytes.append(integer: rate.map { $0.isShared ? 0 : $0.up } ?? 0)
    }
  }

  /// Reads what `append` wrote.
  package init(_ bytes: Span<UInt8>) {
    func rate(at place: Int) -> Rate? {
      let (down, up) = (bytes.integer(at: place), bytes.integer(at: place + 8))
      return up == 0 ? Rate(shared: down) : Rate(down: down, up: up)
    }
    self.init(rate: rate(at: 0), thenRate: rate(at: 16))
  }
}
